"""Part of config.yaml about the caller's line: what counts as silent, quiet, noisy. See settings."""

from typing import Annotated, Literal

from pydantic import Field

from ari_app.model.part import Part

Dbfs = Annotated[float, Field(ge=-90, le=0)]
FaxTarget = Annotated[str, Field(pattern=r"^((agent:[0-9]{1,8}|queue:[a-z][a-z0-9_-]{0,30}|number:\+?[0-9]{1,24}))?$")]
Share = Annotated[float, Field(gt=0, le=1)]


class Rules(Part):
    """Thresholds of the line's verdicts. Levels are dBFS, full-scale square wave = 0, speech at its active level."""

    lines_max: Annotated[int, Field(ge=0, le=1000)] = Field(
        50, description="Lines listened to at once; further calls go on unheard, counted. 0: none."
    )
    auto: tuple[Literal["silent", "quiet", "noisy"], ...] = Field(
        (),
        max_length=3,
        description="Verdicts that begin their script during a talk without the agent: silent, quiet, noisy. "
        "silent: only when nothing was heard of the caller since he was connected.",
    )
    talk_threshold: Annotated[int, Field(ge=1, le=32_767)] = Field(
        256,
        description="In menus: mean amplitude, of 32,767, above which 20 ms of sound count as voice (256: -42 dBFS).",
    )
    silence_ms: Annotated[int, Field(ge=100, le=5_000)] = Field(
        300, description="In menus: milliseconds below it after which speech counts as ended."
    )
    speech_ms: Annotated[int, Field(ge=20, le=2_000)] = Field(
        100, description="In menus: milliseconds that speech lasts at least; a knock or a click is none."
    )
    fax_s: Annotated[float, Field(gt=0, le=30)] = Field(
        0.8,
        description="Seconds of a fax machine's tone (1100 or 2100 Hz), within one verdict `tone`, that make a fax.",
    )
    fax_to: FaxTarget = Field(
        "",
        description="Where a fax or modem is transferred to that calls: agent:8026, queue:fax or number:10086 "
        "(outbound.permitted). Empty: it hears the script of the trigger fax, which says goodbye.",
    )
    window_s: Annotated[float, Field(ge=1, le=10)] = Field(3.5, description="Seconds of sound a verdict looks back on.")
    step_s: Annotated[float, Field(ge=0.1, le=5)] = Field(
        0.34, description="Seconds between two looks, taken to the nearest 20 ms."
    )
    first_s: Annotated[float, Field(ge=0.5, le=10)] = Field(3, description="Seconds of sound a first verdict needs.")
    equal_windows: Annotated[int, Field(ge=1, le=20)] = Field(
        2, description="Equal looks in a row before the verdict changes."
    )
    silent_s: Annotated[float, Field(ge=1, le=30)] = Field(4, description="Seconds without speech that make silent.")
    speech_s_min: Annotated[float, Field(gt=0, le=5)] = Field(
        0.3, description="Seconds of speech a window needs to be judged by it."
    )
    speech_dbfs_min: Dbfs = Field(-56, description="Speech below this level counts as none.")
    quiet_dbfs: Dbfs = Field(-38.5, description="Active speech level below which a caller is too quiet.")
    snr_db: Annotated[float, Field(ge=0, le=40)] = Field(
        14, description="Speech this little above the noise, in dB, is a noisy line."
    )
    hysteresis_db: Annotated[float, Field(ge=0, le=20)] = Field(
        4, description="dB between entering quiet or noisy and leaving it."
    )
    noise_dbfs: Dbfs = Field(-47, description="Steady level above which a line without speech is noisy.")
    bursts_db: Annotated[float, Field(ge=0, le=20)] = Field(
        4, description="dB more that noise needs which is there for a third of the time only."
    )
    loss_share: Share = Field(
        0.03, description="Share of packets lost in 5 s above which a noisy line is put down to the network."
    )
    tonal_share: Share = Field(0.6, description="Share of loud frames that are one or two pure tones: keys, ringback.")
    musical_share: Share = Field(0.6, description="Share of loud frames made of a few pure tones: music.")
    steady_share: Share = Field(
        0.8, description="Share of loud frames with one strongest tone from which music is a hum, which is noise."
    )
    tone_dbfs: Dbfs = Field(-45, description="Tones and music below this level are not told apart from noise.")
