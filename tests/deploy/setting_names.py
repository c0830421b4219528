"""The names that files of deploy/ may set: the settings that a program reads, and no others."""

from pydantic import SecretStr

from agent.settings import Settings
from token_server.settings import TokenServerSettings

WORKER = {name.upper() for name in Settings.model_fields}
TOKEN_SERVER = {name.upper() for name in TokenServerSettings.model_fields}
SECRETS = {
    name.upper()
    for settings in (Settings, TokenServerSettings)
    for name, field in settings.model_fields.items()
    if "SecretStr" in str(field.annotation) or field.annotation is SecretStr
}
