"""The OpenAPI description of the HTTP API of calls. Pure."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from token_server.call_forms import CALL_ID, Call, CallList, CallQuery, NewCall, Refusal, StartedCall

API_PATH = "/api/openapi.json"
CALLS_PATH = "/api/calls"
CALL_PATH = "/api/calls/{id}"
_SCHEMAS = "#/components/schemas/"
_REFUSED = {
    "400": "The request can't be used; the message names the field.",
    "401": "The operator's key is missing or wrong.",
    "403": "The request is from a foreign web page, for a foreign host name, or through a proxy in mode `open`.",
    "404": "There is no such call.",
    "408": "The request's body came too slowly.",
    "409": "There is a room of that name already.",
    "413": "The request's body is too large.",
    "415": "A web page sent something else than JSON.",
    "429": "Too many wrong keys came from this address.",
    "503": "LiveKit doesn't answer, no worker has a place, or there are as many calls as may be.",
}
_EVERYWHERE = ("401", "403", "429", "503")


def description(personas: Sequence[str]) -> dict[str, Any]:
    """The OpenAPI document, as JSON has it.

    Args:
        personas: The names of the personas that a call may ask for; none: they aren't known.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": "Earshot: calls", "version": "1", "description": "Start, list and end calls."},
        "security": [{"operator": []}],
        "paths": {
            CALLS_PATH: {"get": _list(), "post": _start()},
            CALL_PATH: {"parameters": [_ID], "get": _look(), "delete": _end()},
        },
        "components": {
            "schemas": _schemas(personas),
            "securitySchemes": {"operator": {"type": "http", "scheme": "bearer", "description": "OPERATOR_KEY"}},
        },
    }


_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The call's id.",
    "schema": {"type": "string", "pattern": f"^{CALL_ID}$"},
}


def _list() -> dict[str, Any]:
    schema = CallQuery.model_json_schema()
    parameters = []
    for name, form in schema["properties"].items():
        kind = next((one for one in form.get("anyOf", ()) if one.get("type") != "null"), form)
        known = {key: kind[key] for key in ("type", "pattern", "minLength", "maxLength", "minimum", "maximum") if key in kind}
        known |= {"default": form["default"]} if form.get("default") is not None else {}
        parameters.append({"name": name, "in": "query", "description": form["description"], "schema": known})
    answers = {"200": _answer("The calls.", CallList)}
    return {"operationId": "listCalls", "summary": "List calls", "parameters": parameters} | _responses(answers, "400")


def _start() -> dict[str, Any]:
    body = {"required": False, "content": {"application/json": {"schema": {"$ref": f"{_SCHEMAS}{NewCall.__name__}"}}}}
    started = _answer("The call is started.", StartedCall)
    started["links"] = {
        operation: {"operationId": operation, "parameters": {"id": "$response.body#/id"}}
        for operation in ("getCall", "endCall")
    }
    refused = ("400", "408", "409", "413", "415")
    return {"operationId": "startCall", "summary": "Start a call", "requestBody": body} | _responses({"201": started}, *refused)


def _look() -> dict[str, Any]:
    answers = {"200": _answer("The call.", Call)}
    return {"operationId": "getCall", "summary": "Look at a call"} | _responses(answers, "404")


def _end() -> dict[str, Any]:
    answers = {"204": {"description": "The call is ended, and its room deleted."}}
    return {"operationId": "endCall", "summary": "End a call"} | _responses(answers, "404")


def _responses(answers: dict[str, Any], *refused: str) -> dict[str, Any]:
    refusals = {status: _answer(_REFUSED[status], Refusal) for status in sorted((*_EVERYWHERE, *refused))}
    return {"responses": answers | refusals}


def _answer(text: str, model: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"{_SCHEMAS}{model.__name__}"}}}
    return {"description": text, "content": content}


def _schemas(personas: Sequence[str]) -> dict[str, Any]:
    _, schema = models_json_schema(
        [(NewCall, "validation"), *((model, "serialization") for model in (StartedCall, Call, CallList, Refusal))],
        ref_template=f"{_SCHEMAS}{{model}}",
    )
    schemas: dict[str, Any] = schema["$defs"]
    if personas:
        schemas[NewCall.__name__]["properties"]["persona"]["anyOf"][0]["enum"] = list(personas)
    return schemas
