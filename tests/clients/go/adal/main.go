// Reads a secret with adal, which knows App Service by MSI_ENDPOINT and MSI_SECRET alone.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"

	"github.com/Azure/go-autorest/autorest/adal"
)

func run(vaultURL, name string) (map[string]any, error) {
	token, err := adal.NewServicePrincipalTokenFromManagedIdentity("https://vault.azure.net", nil)
	if err != nil {
		return nil, err
	}
	if err := token.Refresh(); err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodGet, vaultURL+"/secrets/"+name+"?api-version=7.4", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token.OAuthToken())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	var body struct{ Value string }
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return map[string]any{"error": response.Status, "status": response.StatusCode}, nil
	}
	return map[string]any{"values": []string{body.Value}}, nil
}

func main() {
	answer, err := run(os.Args[2], os.Args[3])
	if err != nil {
		answer = map[string]any{"error": err.Error(), "status": nil}
	}
	line, _ := json.Marshal(answer)
	fmt.Println(string(line))
}
