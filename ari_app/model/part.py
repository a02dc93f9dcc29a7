"""What all parts of config.yaml and of flows are made of: the frozen model and the shapes of names and numbers."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Port = Annotated[int, Field(ge=1, le=65535)]
Level = Annotated[int, Field(ge=1, le=5)]
NAME = r"^[a-z][a-z0-9_-]{0,30}$"
Name = Annotated[str, Field(pattern=NAME)]
WorkNumber = Annotated[str, Field(pattern=r"^[0-9]{1,8}$")]
Dialled = Annotated[str, Field(pattern=r"^\+?[0-9*#]{1,24}$")]
Language = Literal["zh-CN", "en"]
Seconds = Annotated[float, Field(gt=0, le=86400)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
