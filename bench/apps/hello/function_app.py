"""The least that a function can do."""

import json

import azure.functions as func

app = func.FunctionApp()


@app.route("AcquireTokenMsi", methods=["GET", "POST"], auth_level=func.AuthLevel.FUNCTION)
async def hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps({"hello": "world"}), mimetype="application/json")
