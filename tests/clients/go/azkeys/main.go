// Makes and uses keys with azidentity and azkeys, which leaves all cryptography to the vault.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azkeys"
)

func connect(vaultURL string) (*azkeys.Client, error) {
	options := &azidentity.ManagedIdentityCredentialOptions{}
	if id := os.Getenv("CLIENT_ID"); id != "" {
		options.ID = azidentity.ClientID(id)
	}
	identity, err := azidentity.NewManagedIdentityCredential(options)
	if err != nil {
		return nil, err
	}
	return azkeys.NewClient(vaultURL, identity, nil)
}

func makeKeys(ctx context.Context, client *azkeys.Client, name string) (map[string]any, error) {
	rsa := azkeys.CreateKeyParameters{Kty: to.Ptr(azkeys.KeyTypeRSA), KeySize: to.Ptr(int32(2048))}
	if _, err := client.CreateKey(ctx, name, rsa, nil); err != nil {
		return nil, err
	}
	ec := azkeys.CreateKeyParameters{Kty: to.Ptr(azkeys.KeyTypeEC), Curve: to.Ptr(azkeys.CurveNameP256)}
	if _, err := client.CreateKey(ctx, name+"-ec", ec, nil); err != nil {
		return nil, err
	}
	if _, err := client.RotateKey(ctx, name+"-ec", nil); err != nil {
		return nil, err
	}
	names := []string{}
	for pager := client.NewListKeyPropertiesPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, found := range page.Value {
			names = append(names, found.KID.Name())
		}
	}
	return map[string]any{"names": names}, nil
}

func sign(ctx context.Context, client *azkeys.Client, name string, algorithm azkeys.SignatureAlgorithm) (string, error) {
	digest := sha256.Sum256([]byte("message"))
	signed, err := client.Sign(ctx, name, "", azkeys.SignParameters{Algorithm: &algorithm, Value: digest[:]}, nil)
	if err != nil {
		return "", err
	}
	asked := azkeys.VerifyParameters{Algorithm: &algorithm, Digest: digest[:], Signature: signed.Result}
	verified, err := client.Verify(ctx, name, "", asked, nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s %t", algorithm, *verified.Value), nil
}

func encrypt(ctx context.Context, client *azkeys.Client, name string) (string, error) {
	asked := azkeys.KeyOperationParameters{Algorithm: to.Ptr(azkeys.EncryptionAlgorithmRSAOAEP), Value: []byte("plain")}
	sealed, err := client.Encrypt(ctx, name, "", asked, nil)
	if err != nil {
		return "", err
	}
	asked.Value = sealed.Result
	opened, err := client.Decrypt(ctx, name, "", asked, nil)
	return string(opened.Result), err
}

func wrap(ctx context.Context, client *azkeys.Client, name string) (string, error) {
	algorithm := to.Ptr(azkeys.EncryptionAlgorithmRSAOAEP256)
	asked := azkeys.KeyOperationParameters{Algorithm: algorithm, Value: []byte("a key of 16 byte")}
	sealed, err := client.WrapKey(ctx, name, "", asked, nil)
	if err != nil {
		return "", err
	}
	asked.Value = sealed.Result
	opened, err := client.UnwrapKey(ctx, name, "", asked, nil)
	return string(opened.Result), err
}

func run(action, vaultURL, name string) (map[string]any, error) {
	ctx := context.Background()
	client, err := connect(vaultURL)
	if err != nil {
		return nil, err
	}
	if action == "make" {
		return makeKeys(ctx, client, name)
	}
	values := []string{}
	for _, use := range []func() (string, error){
		func() (string, error) { return sign(ctx, client, name, azkeys.SignatureAlgorithmRS256) },
		func() (string, error) { return sign(ctx, client, name+"-ec", azkeys.SignatureAlgorithmES256) },
		func() (string, error) { return encrypt(ctx, client, name) },
		func() (string, error) { return wrap(ctx, client, name) },
	} {
		value, err := use()
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return map[string]any{"values": values}, nil
}

func main() {
	answer, err := run(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		answer = map[string]any{"error": err.Error(), "status": nil}
		var response *azcore.ResponseError
		if errors.As(err, &response) {
			answer["status"] = response.StatusCode
		}
	}
	line, _ := json.Marshal(answer)
	fmt.Println(string(line))
}
