// Reads secrets with MSAL's token and net/http.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"

	mi "github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"
)

type secret struct {
	ID    string
	Value string
}

type page struct {
	Value    []secret
	NextLink string
}

type refusal struct {
	status int
	body   string
}

func (r refusal) Error() string { return r.body }

func identity() mi.ID {
	if id := os.Getenv("CLIENT_ID"); id != "" {
		return mi.UserAssignedClientID(id)
	} else if id := os.Getenv("OBJECT_ID"); id != "" {
		return mi.UserAssignedObjectID(id)
	} else if id := os.Getenv("RESOURCE_ID"); id != "" {
		return mi.UserAssignedResourceID(id)
	}
	return mi.SystemAssigned()
}

func get(client mi.Client, url string, into any) error {
	token, err := client.AcquireToken(context.Background(), "https://vault.azure.net")
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token.AccessToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(response.Body)
		return refusal{response.StatusCode, string(body)}
	}
	return json.NewDecoder(response.Body).Decode(into)
}

func list(client mi.Client, url string) (map[string]any, error) {
	names := []string{}
	for url != "" {
		var found page
		if err := get(client, url, &found); err != nil {
			return nil, err
		}
		for _, each := range found.Value {
			names = append(names, path.Base(each.ID))
		}
		url = found.NextLink
	}
	return map[string]any{"names": names}, nil
}

func run(action, vaultURL, name, version string) (map[string]any, error) {
	client, err := mi.New(identity())
	if err != nil {
		return nil, err
	}
	if action == "list" {
		return list(client, vaultURL+"/secrets?api-version=7.4")
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
		var found secret
		if err := get(client, fmt.Sprintf("%s/secrets/%s/%s?api-version=7.4", vaultURL, name, version), &found); err != nil {
			return nil, err
		}
		values = append(values, found.Value)
	}
	return map[string]any{"values": values}, nil
}

func main() {
	arguments := append(os.Args[1:], "", "")
	answer, err := run(arguments[0], arguments[1], arguments[2], arguments[3])
	if err != nil {
		answer = map[string]any{"error": err.Error(), "status": nil}
		if refused, ok := err.(refusal); ok {
			answer["status"] = refused.status
		}
	}
	line, _ := json.Marshal(answer)
	fmt.Println(string(line))
}
