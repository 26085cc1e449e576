"""Who may ask the server: names, tokens and origins; and what its page may do."""

import base64
import hashlib

import pytest
from uploads import Start, encoded, refused, street

TOKEN = "a-token-of-some-length"
IMAGE = {"image": encoded(street())}


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "evil.example#@127.0.0.1", "[::1", ""]
)
def test_another_name_for_this_machine_is_refused(start: Start, host: str) -> None:
    client = start("labels", hosts={"127.0.0.1", "localhost"})
    sentence = refused(client.get("/", headers={"Host": host}), 400)
    assert sentence.startswith("Host: expected 127.0.0.1 or localhost, got ")


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "LOCALHOST", "[::1]:8000"])
def test_its_own_names_are_not(start: Start, host: str) -> None:
    client = start("labels", hosts={"127.0.0.1", "::1", "localhost"})
    assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8000"},
    ],
)
@pytest.mark.parametrize("path", ["/predict", "/corrections"])
def test_the_page_of_another_site_is_refused(start: Start, path: str, headers: dict[str, str]) -> None:
    sentence = refused(start("labels").post(path, files=IMAGE, headers=headers), 403)
    assert sentence == "expected a request of this server's own page, got one of another page."


def test_its_own_page_and_programs_are_not(start: Start) -> None:
    client, own = start("labels"), {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, own):
        assert client.post("/predict", files=IMAGE, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/", "/model.json", "/openapi.json", "/healthz", "/nothing"])
def test_without_the_token_nothing_is_answered(start: Start, path: str) -> None:
    client = start("labels", token=TOKEN)
    for headers in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
        response = client.get(path, headers=headers)
        assert refused(response, 401).startswith("expected the token; open the address that the server printed")
        assert response.headers["www-authenticate"] == "Bearer"
    refused(client.post("/predict", files=IMAGE), 401)


def test_a_program_sends_the_token_as_a_header(start: Start) -> None:
    client = start("labels", token=TOKEN)
    assert client.post("/predict", files=IMAGE, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert not client.cookies
    assert client.get("/openapi.json", headers={"Authorization": f"bearer {TOKEN}"}).json()["security"] == [
        {"token": []}
    ]


def test_the_address_with_the_token_lets_the_page_ask_for_more(start: Start) -> None:
    client = start("labels", token=TOKEN)
    cookie = client.get(f"/?token={TOKEN}").headers["set-cookie"]
    assert cookie == f"triptych_8000={TOKEN}; HttpOnly; Path=/; SameSite=Strict"
    assert client.post("/predict", files=IMAGE).status_code == 200
    assert client.get("/").status_code == 200


def test_a_cookie_goes_to_who_knew_the_token_alone(start: Start) -> None:
    client = start("labels", token=TOKEN)
    client.get(f"/?token={TOKEN}")
    client.cookies.clear()
    assert "set-cookie" not in client.get("/", headers={"Authorization": f"Bearer {TOKEN}"}).headers
    assert "set-cookie" not in client.get("/?token=wrong").headers


def test_the_page_runs_its_own_scripts_and_no_others(start: Start) -> None:
    response = start("labels").get("/")
    policy = dict(one.partition(" ")[::2] for one in response.headers["content-security-policy"].split("; "))
    script = response.text.partition("<script>")[2].partition("</script>")[0]
    assert policy["script-src"] == f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
    assert (policy["default-src"], policy["connect-src"]) == ("'none'", "'self'")


def test_no_answer_may_be_framed_guessed_or_kept(start: Start) -> None:
    client = start("labels")
    for response in (client.get("/"), client.get("/model.json"), client.get("/nothing"), client.post("/predict")):
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
