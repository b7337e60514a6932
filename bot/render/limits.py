"""What Slack accepts, as numbers. Source: Slack, the reference of Block Kit and of the Web API.

The renderer keeps within them; the local workspace refuses what is beyond them. Lengths are in
characters of the payload as it is sent, which is after escaping.
"""

from __future__ import annotations

from typing import Final

# Messages
BLOCKS_PER_MESSAGE: Final = 50
ATTACHMENTS_PER_MESSAGE: Final = 100
MESSAGE_TEXT: Final = 40_000
"""Slack refuses a longer `text` of chat.postMessage with msg_too_long."""
UPDATE_TEXT: Final = 4_000
"""Slack refuses a longer `text` of chat.update with msg_too_long."""
MARKDOWN_PER_PAYLOAD: Final = 12_000
"""Characters of all `markdown` blocks of one payload together."""
TABLES_PER_MESSAGE: Final = 1
TABLE_ROWS: Final = 100
TABLE_CELLS_PER_ROW: Final = 20
TABLE_CHARACTERS: Final = 10_000
"""Characters of all cells of a message's table together."""
PRACTICAL_BLOCK_CHARACTERS: Final = 13_000
"""Slack documents no bound for all blocks together; about here it begins to refuse them."""
METADATA_PAYLOAD: Final = 8_000
"""Characters of `event_payload` as JSON; Slack says only that there is an end to it."""

# Views
BLOCKS_PER_VIEW: Final = 100
VIEW_TITLE: Final = 24
VIEW_SUBMIT: Final = 24
VIEW_CLOSE: Final = 24
PRIVATE_METADATA: Final = 3_000
CALLBACK_ID: Final = 255
EXTERNAL_ID: Final = 255
VIEWS_PER_STACK: Final = 3

# Blocks
BLOCK_ID: Final = 255
SECTION_TEXT: Final = 3_000
SECTION_FIELDS: Final = 10
SECTION_FIELD_TEXT: Final = 2_000
HEADER_TEXT: Final = 150
CONTEXT_ELEMENTS: Final = 10
CONTEXT_TEXT: Final = 3_000
ACTIONS_ELEMENTS: Final = 25
INPUT_LABEL: Final = 2_000
INPUT_HINT: Final = 2_000
IMAGE_TITLE: Final = 2_000
IMAGE_ALT_TEXT: Final = 2_000
IMAGE_URL: Final = 3_000
ALERT_TEXT: Final = 200
CARD_TITLE: Final = 150
"""Also of a card's subtitle, and of a container's title and subtitle."""
CARD_BODY: Final = 200
CAROUSEL_CARDS: Final = 10
CONTAINER_BLOCKS: Final = 10
CHART_TITLE: Final = 50
CHARTS_PER_MESSAGE: Final = 2
CHART_SERIES: Final = 6
"""Series of a line, bar or area chart; segments of a pie."""
CHART_CATEGORIES: Final = 20
CHART_LABEL: Final = 20

# Elements
ACTION_ID: Final = 255
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2_000
BUTTON_URL: Final = 3_000
BUTTON_ACCESSIBILITY_LABEL: Final = 75
PLACEHOLDER: Final = 150
SELECT_OPTIONS: Final = 100
SELECT_OPTION_GROUPS: Final = 100
OPTION_GROUP_LABEL: Final = 75
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OPTION_DESCRIPTION: Final = 75
OVERFLOW_OPTIONS: Final = 5
CHECKBOX_OPTIONS: Final = 10
RADIO_OPTIONS: Final = 10
PLAIN_TEXT_INPUT: Final = 3_000

# Confirm object
CONFIRM_TITLE: Final = 100
CONFIRM_TEXT: Final = 300
CONFIRM_BUTTON: Final = 30
"""The texts of both its buttons, `confirm` and `deny`."""

# Files
FILE_ALT_TEXT: Final = 1_000

# Calls a minute; a limit of one a second is 60 with a small burst
POST_PER_CHANNEL_PER_SECOND: Final = 1
UPDATES_PER_MINUTE: Final = 50
VIEW_CALLS_PER_MINUTE: Final = 100
FILE_CALLS_PER_MINUTE: Final = 100
TIER_2_PER_MINUTE: Final = 20
"""usergroups.*, pins.* and conversations.list."""

# Time
ACK_SECONDS: Final = 3
TRIGGER_SECONDS: Final = 3
RESPONSE_URL_USES: Final = 5
RESPONSE_URL_SECONDS: Final = 30 * 60
