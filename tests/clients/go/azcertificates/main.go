// Orders, downloads and manages certificates with azidentity, azcertificates and azsecrets.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
	"golang.org/x/crypto/pkcs12"
)

func connect(vaultURL string) (*azcertificates.Client, *azsecrets.Client, error) {
	options := &azidentity.ManagedIdentityCredentialOptions{}
	if id := os.Getenv("CLIENT_ID"); id != "" {
		options.ID = azidentity.ClientID(id)
	}
	identity, err := azidentity.NewManagedIdentityCredential(options)
	if err != nil {
		return nil, nil, err
	}
	client, err := azcertificates.NewClient(vaultURL, identity, nil)
	if err != nil {
		return nil, nil, err
	}
	secrets, err := azsecrets.NewClient(vaultURL, identity, nil)
	return client, secrets, err
}

func order(ctx context.Context, client *azcertificates.Client, name string) ([]string, error) {
	policy := &azcertificates.CertificatePolicy{
		IssuerParameters:          &azcertificates.IssuerParameters{Name: to.Ptr("Self")},
		X509CertificateProperties: &azcertificates.X509CertificateProperties{Subject: to.Ptr("CN=contoso.com")},
	}
	asked := azcertificates.CreateCertificateParameters{CertificatePolicy: policy}
	if _, err := client.CreateCertificate(ctx, name, asked, nil); err != nil {
		return nil, err
	}
	for {
		operation, err := client.GetCertificateOperation(ctx, name, nil)
		if err != nil {
			return nil, err
		}
		if *operation.Status != "inProgress" {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	names := []string{}
	for pager := client.NewListCertificatePropertiesPager(nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, found := range page.Value {
			names = append(names, found.ID.Name())
		}
	}
	return names, nil
}

func download(ctx context.Context, client *azcertificates.Client, secrets *azsecrets.Client, name string) ([]string, error) {
	found, err := client.GetCertificate(ctx, name, "", nil)
	if err != nil {
		return nil, err
	}
	secret, err := secrets.GetSecret(ctx, found.SID.Name(), found.SID.Version(), nil)
	if err != nil {
		return nil, err
	}
	content, err := base64.StdEncoding.DecodeString(*secret.Value)
	if err != nil {
		return nil, err
	}
	key, leaf, err := pkcs12.Decode(content, "")
	if err != nil {
		return nil, err
	}
	public, err := x509.ParseCertificate(found.CER)
	if err != nil {
		return nil, err
	}
	belongs := leaf.Equal(public) && key.(*ecdsa.PrivateKey).PublicKey.Equal(public.PublicKey)
	return []string{leaf.Subject.String(), *secret.ContentType, map[bool]string{true: "True"}[belongs]}, nil
}

func run(action, vaultURL string, arguments []string) (map[string]any, error) {
	ctx := context.Background()
	client, secrets, err := connect(vaultURL)
	if err != nil {
		return nil, err
	}
	switch action {
	case "order":
		names, err := order(ctx, client, arguments[0])
		return map[string]any{"names": names}, err
	case "manage":
		values, err := manage(ctx, client, arguments[0], arguments[1])
		return map[string]any{"values": values}, err
	}
	values, err := download(ctx, client, secrets, arguments[0])
	return map[string]any{"values": values}, err
}

func main() {
	answer, err := run(os.Args[1], os.Args[2], os.Args[3:])
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
