-- The tables of the monitored application, as its migrations leave them: columns, keys and indexes.
-- There is no index on messages (created_at) and no row-level security: the application has none.

CREATE TABLE units (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    slug text NOT NULL UNIQUE,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Contacts are shared by all units.
CREATE TABLE contacts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    phone text NOT NULL UNIQUE,
    name text,
    avatar text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE leads (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    unit_id uuid NOT NULL REFERENCES units (id),
    contact_id uuid REFERENCES contacts (id),
    name text,
    phone text,
    email text,
    source text,
    status text NOT NULL DEFAULT 'new',
    assigned_to uuid,
    value numeric NOT NULL DEFAULT 0,
    tags text[],
    avatar text,
    metadata jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    score integer NOT NULL DEFAULT 0,
    temperature text NOT NULL DEFAULT 'cold',
    last_engagement_at timestamptz
);

CREATE TABLE unit_whatsapp_connections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    unit_id uuid NOT NULL UNIQUE REFERENCES units (id),
    provider text NOT NULL DEFAULT 'evolution',
    instance_id text,
    phone_number text,
    access_token text,
    business_id text,
    status text NOT NULL DEFAULT 'disconnected',
    qr_code text,
    provider_config jsonb,
    webhook_secret text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    status_reason text,
    connected_at timestamptz,
    disconnected_at timestamptz,
    qr_updated_at timestamptz
);

CREATE TABLE conversations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    contact_id uuid NOT NULL REFERENCES contacts (id),
    unit_id uuid NOT NULL REFERENCES units (id),
    instance_id uuid REFERENCES unit_whatsapp_connections (id),
    lead_id uuid REFERENCES leads (id),
    external_id text,
    channel text NOT NULL DEFAULT 'whatsapp',
    status text NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- A message has no unit of its own: the tenant is its conversation's.
CREATE TABLE messages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    sender text NOT NULL,
    content text,
    status text NOT NULL,
    external_id text,
    media_url text,
    media_type text,
    created_at timestamptz NOT NULL DEFAULT now(),
    client_message_id text,
    retry_count integer NOT NULL DEFAULT 0,
    last_retry_at timestamptz,
    error_details text,
    provider text
);

CREATE INDEX messages_conversation ON messages (conversation_id, created_at);
CREATE INDEX messages_external_id ON messages (external_id);
CREATE INDEX messages_requeue ON messages (status, retry_count, last_retry_at)
    WHERE status IN ('failed', 'queued');

CREATE TABLE campaigns (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    unit_id uuid NOT NULL REFERENCES units (id),
    name text NOT NULL,
    content text NOT NULL DEFAULT '',
    status text NOT NULL DEFAULT 'draft',
    scheduled_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz,
    error text,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE campaign_recipients (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    campaign_id uuid NOT NULL REFERENCES campaigns (id),
    contact_id uuid NOT NULL REFERENCES contacts (id),
    status text NOT NULL DEFAULT 'pending',
    sent_at timestamptz,
    delivered_at timestamptz,
    read_at timestamptz,
    message_id uuid REFERENCES messages (id),
    error_message text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (campaign_id, contact_id)
);
