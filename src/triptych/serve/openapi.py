"""The description of the server for programs, in the form of OpenAPI 3.1."""

from typing import Any

from triptych._version import __version__
from triptych.exported import Manifest

Schema = dict[str, Any]

_REFUSALS = {
    "400": "The form is broken, a field is missing, or one cannot be read.",
    "401": "The token is missing.",
    "403": "The request comes from another site's page.",
    "413": "The upload is too large.",
    "415": "The request is no form with files.",
    "503": "Too many requests wait; send it again after the seconds of `Retry-After`.",
    "504": "The answer took too long.",
}
_NOT_SAVED = {"500": "The folder of the corrections cannot be written to.", "507": "It is full."}
_LABELS = {
    "mask": "PNG of 8-bit class ids in the size of the image as shown; 255 is void.",
    "point": "JSON: a list of the points, `{name, y, x}` in pixels of the image as shown; one left out is missing.",
    "labels": "JSON: a list of the tags that the image has.",
    "category": "JSON: the category that the text has.",
}


def description(manifest: Manifest, corrections: bool, needs_token: bool) -> Schema:
    """The content of `/openapi.json`.

    Args:
        manifest: Of the model.
        corrections: Whether corrections are taken.
        needs_token: Whether requests need a token.
    """
    paths = {"/predict": {"post": _predict(manifest)}, "/model.json": {"get": _model()}, "/healthz": {"get": _health()}}
    if corrections:
        paths["/corrections"] = {"post": _correct(manifest)}
    components: Schema = {"schemas": {"Answer": _answer(manifest), "Error": _object({"error": {"type": "string"}})}}
    secured: Schema = {}
    if needs_token:
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        secured = {"security": [{"token": []}]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "triptych", "version": __version__, "description": "Answers of one exported model."},
        "paths": paths,
        "components": components,
        **secured,
    }


def _predict(manifest: Manifest) -> Schema:
    return {
        "operationId": "predict",
        "summary": f"The model's answer for one {manifest.input}.",
        "requestBody": _form({manifest.input: _given(manifest)}, [manifest.input]),
        "responses": {"200": _json("The answer.", _reference("Answer")), **_refusals(_REFUSALS)},
    }


def _correct(manifest: Manifest) -> Schema:
    fields = {
        manifest.input: _given(manifest),
        "label": {"description": _LABELS[manifest.task], "type": "string"},
        "name": {"description": f"Name of the {manifest.input}; its stem names the files.", "type": "string"},
    }
    where = f"The {manifest.input}, below the folder of the corrections."
    saved = _object({"saved": {"description": where, "type": "string"}})
    return {
        "operationId": "correct",
        "summary": f"Saves one {manifest.input} with the label that it should have, as training data.",
        "requestBody": _form(fields, [manifest.input, "label"]),
        "responses": {
            "201": _json("It is saved.", saved),
            **_refusals(_REFUSALS | _NOT_SAVED),
        },
    }


def _model() -> Schema:
    responses = {"200": _json("The content of `model.json`.", {"type": "object"})}
    return {"operationId": "model", "summary": "What is known about the model.", "responses": responses}


def _health() -> Schema:
    responses = {"200": _json("It does.", _object({"status": {"const": "ok"}}))}
    return {"operationId": "health", "summary": "Whether the server answers.", "responses": responses}


def _given(manifest: Manifest) -> Schema:
    text = {"description": "The text, in UTF-8; HTML is removed.", "type": "string"}
    return {"image": _file("The image: PNG, JPEG, WebP, BMP or TIFF."), "text": text}[manifest.input]


def _answer(manifest: Manifest) -> Schema:
    of_task = {"mask": _mask_answer, "point": _point_answer, "labels": _tag_answer, "category": _category_answer}
    pixels = {"type": "integer", "minimum": 1}
    sides = {"image": {"width": pixels, "height": pixels}, "text": {}}[manifest.input]
    return _object({"task": {"const": manifest.task}, **sides, **of_task[manifest.task]({"enum": manifest.names})})


def _mask_answer(name: Schema) -> Schema:
    byte = {"type": "integer", "minimum": 0, "maximum": 255}
    one_class = {
        "id": byte,
        "name": name,
        "color": {"type": "array", "items": byte, "minItems": 3, "maxItems": 3},
        "fraction": _fraction("Of the pixels."),
    }
    return {
        "mask": _png("Class ids, 8-bit palette."),
        "confidence": _png("Probability of the class of each pixel times 255, 8-bit grey."),
        "classes": {"description": "Those that occur, the largest first.", **_list(_object(one_class))},
    }


def _point_answer(name: Schema) -> Schema:
    pixels = {"description": "In pixels from the upper left corner.", "type": "number"}
    return {"points": _list(_object({"name": name, "y": pixels, "x": pixels}))}


def _tag_answer(name: Schema) -> Schema:
    one_tag = {
        "name": name,
        "probability": _fraction("Of the tag."),
        "threshold": _fraction("Above it the tag is chosen."),
        "chosen": {"type": "boolean"},
    }
    return {"tags": {"description": "All tags, the most probable first.", **_list(_object(one_tag))}}


def _category_answer(name: Schema) -> Schema:
    one_category = {"name": name, "probability": _fraction("Of the category; they sum to 1.")}
    return {
        "categories": {"description": "All categories, the most probable first.", **_list(_object(one_category))},
        "tokens": {"description": "Number of tokens that the text was cut into.", "type": "integer", "minimum": 1},
    }


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": [*properties]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _fraction(text: str) -> Schema:
    return {"description": text, "type": "number", "minimum": 0, "maximum": 1}


def _png(text: str) -> Schema:
    return {"description": text, "type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"}


def _file(text: str) -> Schema:
    return {"description": text, "type": "string", "contentMediaType": "application/octet-stream"}


def _reference(schema: str) -> Schema:
    return {"$ref": f"#/components/schemas/{schema}"}


def _json(text: str, schema: Schema) -> Schema:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _form(fields: Schema, required: list[str]) -> Schema:
    schema = {"type": "object", "properties": fields, "required": required}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _refusals(texts: dict[str, str]) -> Schema:
    return {status: _json(text, _reference("Error")) for status, text in texts.items()}
