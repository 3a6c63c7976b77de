// Reads secrets with azidentity and azsecrets.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

func credential() (azcore.TokenCredential, error) {
	if os.Getenv("CREDENTIAL") == "default" {
		return azidentity.NewDefaultAzureCredential(nil)
	}
	options := &azidentity.ManagedIdentityCredentialOptions{}
	if id := os.Getenv("CLIENT_ID"); id != "" {
		options.ID = azidentity.ClientID(id)
	} else if id := os.Getenv("OBJECT_ID"); id != "" {
		options.ID = azidentity.ObjectID(id)
	} else if id := os.Getenv("RESOURCE_ID"); id != "" {
		options.ID = azidentity.ResourceID(id)
	}
	return azidentity.NewManagedIdentityCredential(options)
}

func list(client *azsecrets.Client) (map[string]any, error) {
	names := []string{}
	for pager := client.NewListSecretPropertiesPager(nil); pager.More(); {
		page, err := pager.NextPage(context.Background())
		if err != nil {
			return nil, err
		}
		for _, found := range page.Value {
			names = append(names, found.ID.Name())
		}
	}
	return map[string]any{"names": names}, nil
}

func run(action, vaultURL, name, version string) (map[string]any, error) {
	identity, err := credential()
	if err != nil {
		return nil, err
	}
	client, err := azsecrets.NewClient(vaultURL, identity, nil)
	if err != nil {
		return nil, err
	}
	if action == "list" {
		return list(client)
	}
	reads := 1
	if action == "read-twice" {
		reads = 2
	}
	values := []string{}
	for read := range reads {
		if read > 0 {
			bufio.NewReader(os.Stdin).ReadString('\n')
		}
		secret, err := client.GetSecret(context.Background(), name, version, nil)
		if err != nil {
			return nil, err
		}
		values = append(values, *secret.Value)
	}
	return map[string]any{"values": values}, nil
}

func main() {
	arguments := append(os.Args[1:], "", "")
	answer, err := run(arguments[0], arguments[1], arguments[2], arguments[3])
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
