package main

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates"
)

// A step of managing certificates returns what the vault then has.
type step func(ctx context.Context, client *azcertificates.Client, name string) (string, error)

func manage(ctx context.Context, client *azcertificates.Client, name, pfx string) ([]string, error) {
	values := []string{}
	imported := func(ctx context.Context, client *azcertificates.Client, name string) (string, error) {
		return bring(ctx, client, name, pfx)
	}
	for _, do := range []step{imported, merge, changePolicy, tag, cancel, issuer, contacts, recovery, restoration} {
		value, err := do(ctx, client, name)
		if err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

func bring(ctx context.Context, client *azcertificates.Client, name, pfx string) (string, error) {
	policy := &azcertificates.CertificatePolicy{KeyProperties: &azcertificates.KeyProperties{ReuseKey: to.Ptr(true)}}
	asked := azcertificates.ImportCertificateParameters{Base64EncodedCertificate: &pfx, CertificatePolicy: policy}
	imported, err := client.ImportCertificate(ctx, name, asked, nil)
	if err != nil {
		return "", err
	}
	return *imported.Policy.X509CertificateProperties.Subject, nil
}

func orderAgain(ctx context.Context, client *azcertificates.Client, name string) error {
	policy, err := client.GetCertificatePolicy(ctx, name, nil)
	if err != nil {
		return err
	}
	asked := azcertificates.CreateCertificateParameters{CertificatePolicy: &policy.CertificatePolicy}
	_, err = client.CreateCertificate(ctx, name, asked, nil)
	return err
}

// Its key is used again, so its certificate fits the order.
func merge(ctx context.Context, client *azcertificates.Client, name string) (string, error) {
	found, err := client.GetCertificate(ctx, name, "", nil)
	if err != nil {
		return "", err
	}
	if err := orderAgain(ctx, client, name); err != nil {
		return "", err
	}
	issued := azcertificates.MergeCertificateParameters{X509Certificates: [][]byte{found.CER}}
	if _, err := client.MergeCertificate(ctx, name, issued, nil); err != nil {
		return "", err
	}
	versions := 0
	for pager := client.NewListCertificatePropertiesVersionsPager(name, nil); pager.More(); {
		page, err := pager.NextPage(ctx)
		if err != nil {
			return "", err
		}
		versions += len(page.Value)
	}
	return fmt.Sprintf("%d versions", versions), nil
}

func changePolicy(ctx context.Context, client *azcertificates.Client, name string) (string, error) {
	months := &azcertificates.X509CertificateProperties{ValidityInMonths: to.Ptr(int32(6))}
	change := azcertificates.CertificatePolicy{X509CertificateProperties: months}
	if _, err := client.UpdateCertificatePolicy(ctx, name, change, nil); err != nil {
		return "", err
	}
	policy, err := client.GetCertificatePolicy(ctx, name, nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d months", *policy.X509CertificateProperties.ValidityInMonths), nil
}

func tag(ctx context.Context, client *azcertificates.Client, name string) (string, error) {
	change := azcertificates.UpdateCertificateParameters{Tags: map[string]*string{"team": to.Ptr("web")}}
	if _, err := client.UpdateCertificate(ctx, name, "", change, nil); err != nil {
		return "", err
	}
	found, err := client.GetCertificate(ctx, name, "", nil)
	if err != nil {
		return "", err
	}
	return *found.Tags["team"], nil
}

func cancel(ctx context.Context, client *azcertificates.Client, name string) (string, error) {
	if err := orderAgain(ctx, client, name); err != nil {
		return "", err
	}
	asked := azcertificates.UpdateCertificateOperationParameter{CancellationRequested: to.Ptr(true)}
	operation, err := client.UpdateCertificateOperation(ctx, name, asked, nil)
	if err != nil {
		return "", err
	}
	_, err = client.DeleteCertificateOperation(ctx, name, nil)
	return fmt.Sprintf("cancelled: %t", *operation.CancellationRequested), err
}

func issuer(ctx context.Context, client *azcertificates.Client, _ string) (string, error) {
	asked := azcertificates.SetIssuerParameters{Provider: to.Ptr("Test")}
	if _, err := client.SetIssuer(ctx, "public-ca", asked, nil); err != nil {
		return "", err
	}
	found, err := client.GetIssuer(ctx, "public-ca", nil)
	if err != nil {
		return "", err
	}
	_, err = client.DeleteIssuer(ctx, "public-ca", nil)
	return *found.Provider, err
}

func contacts(ctx context.Context, client *azcertificates.Client, _ string) (string, error) {
	ada := azcertificates.Contacts{ContactList: []*azcertificates.Contact{{Email: to.Ptr("ada@contoso.com")}}}
	if _, err := client.SetContacts(ctx, ada, nil); err != nil {
		return "", err
	}
	found, err := client.GetContacts(ctx, nil)
	if err != nil {
		return "", err
	}
	_, err = client.DeleteContacts(ctx, nil)
	return *found.ContactList[0].Email, err
}

func recovery(ctx context.Context, client *azcertificates.Client, name string) (string, error) {
	if _, err := client.DeleteCertificate(ctx, name, nil); err != nil {
		return "", err
	}
	if _, err := client.GetDeletedCertificate(ctx, name, nil); err != nil {
		return "", err
	}
	recovered, err := client.RecoverDeletedCertificate(ctx, name, nil)
	if err != nil {
		return "", err
	}
	return "recovered " + recovered.ID.Name(), nil
}

func restoration(ctx context.Context, client *azcertificates.Client, name string) (string, error) {
	backup, err := client.BackupCertificate(ctx, name, nil)
	if err != nil {
		return "", err
	}
	if _, err := client.DeleteCertificate(ctx, name, nil); err != nil {
		return "", err
	}
	if _, err := client.PurgeDeletedCertificate(ctx, name, nil); err != nil {
		return "", err
	}
	asked := azcertificates.RestoreCertificateParameters{CertificateBackup: backup.Value}
	restored, err := client.RestoreCertificate(ctx, asked, nil)
	if err != nil {
		return "", err
	}
	return "restored " + restored.ID.Name(), nil
}
