// Reads secrets with Azure.Identity and Azure.Security.KeyVault.Secrets. `versions` prints what runs.
using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.Identity;
using Azure.Security.KeyVault.Secrets;

static ManagedIdentityId Identity()
{
    if (Environment.GetEnvironmentVariable("CLIENT_ID") is { } clientId)
        return ManagedIdentityId.FromUserAssignedClientId(clientId);
    if (Environment.GetEnvironmentVariable("OBJECT_ID") is { } objectId)
        return ManagedIdentityId.FromUserAssignedObjectId(objectId);
    if (Environment.GetEnvironmentVariable("RESOURCE_ID") is { } resourceId)
        return ManagedIdentityId.FromUserAssignedResourceId(new ResourceIdentifier(resourceId));
    return ManagedIdentityId.SystemAssigned;
}

static TokenCredential Credential() =>
    Environment.GetEnvironmentVariable("CREDENTIAL") == "default"
        ? new DefaultAzureCredential()
        : new ManagedIdentityCredential(Identity());

static string VersionOf(Type type) => type.Assembly.GetName().Version!.ToString(3);

static async Task<object> Run(string action, string vaultUrl, string? name, string? version)
{
    var client = new SecretClient(new Uri(vaultUrl), Credential());
    if (action == "list")
    {
        var names = new List<string>();
        await foreach (var found in client.GetPropertiesOfSecretsAsync())
            names.Add(found.Name);
        return new { names };
    }
    var values = new List<string> { (await client.GetSecretAsync(name, version)).Value.Value };
    if (action == "read-twice")
    {
        Console.ReadLine();
        values.Add((await client.GetSecretAsync(name, version)).Value.Value);
    }
    return new { values };
}

if (args[0] == "versions")
{
    Console.WriteLine($"{VersionOf(typeof(TokenCredential))} {VersionOf(typeof(ManagedIdentityCredential))} {VersionOf(typeof(SecretClient))}");
    return;
}
object answer;
try
{
    answer = await Run(args[0], args[1], args.ElementAtOrDefault(2), args.ElementAtOrDefault(3));
}
catch (Exception error) when (error is RequestFailedException or AuthenticationFailedException or AggregateException
    or ArgumentException or InvalidOperationException or NotSupportedException)
{
    answer = new { error = error.ToString(), status = (error as RequestFailedException)?.Status };
}
Console.WriteLine(JsonSerializer.Serialize(answer));
