-- The topic as an upsert table: the newest event of each client; a tombstone deletes its row.
CREATE TABLE client_events (
  client STRING,
  headers MAP<STRING, BYTES> METADATA VIRTUAL,
  -- event.mode structured: the value is the event, and the client is in `data`
  `data` ROW<Nom STRING, Adresse ROW<Ville STRING>, ChiffreAffaires STRING, NoVersion STRING>,
  -- event.mode binary: the value is the client
  Nom STRING,
  Adresse ROW<Ville STRING>,
  ChiffreAffaires STRING,
  NoVersion STRING,
  PRIMARY KEY (client) NOT ENFORCED
) WITH (
  'connector' = 'upsert-kafka',
  'topic' = 'client.modified',
  'properties.bootstrap.servers' = '${BROKERS}',
  'properties.isolation.level' = 'read_committed',
  'key.format' = 'raw',
  'value.format' = 'json',
  'value.fields-include' = 'EXCEPT_KEY',
  'scan.bounded.mode' = 'latest-offset' -- reads to the present end; without this line, the table follows the topic
);

-- The headers tell the mode, never the value. An event client.removed ends the row too. Every value is text: cast it.
CREATE VIEW clients AS
SELECT
  client AS `No`,
  IF(is_binary, Nom, `data`.Nom) AS Nom,
  IF(is_binary, Adresse.Ville, `data`.Adresse.Ville) AS Ville,
  CAST(IF(is_binary, ChiffreAffaires, `data`.ChiffreAffaires) AS DECIMAL(12, 2)) AS ChiffreAffaires,
  CAST(IF(is_binary, NoVersion, `data`.NoVersion) AS BIGINT) AS NoVersion
FROM (SELECT *, headers['ce_specversion'] IS NOT NULL AS is_binary FROM client_events)
WHERE CAST(headers['ce_type'] AS STRING) = 'client.modified';

-- The topic as a stream of changes, for windows. The watermark follows the record timestamp.
CREATE TABLE changes (
  headers MAP<STRING, BYTES> METADATA VIRTUAL,
  `type` AS CAST(headers['ce_type'] AS STRING),
  `time` STRING,
  published TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
  WATERMARK FOR published AS published - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = 'client.modified',
  'properties.bootstrap.servers' = '${BROKERS}',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'latest-offset',
  'format' = 'json',
  'scan.watermark.emit.strategy' = 'on-event' -- so that a short topic shows what is late
);

-- The same with a watermark that follows the modification time: only with poll.backfill: before.
CREATE TABLE changes_by_time (
  headers MAP<STRING, BYTES> METADATA VIRTUAL,
  `type` AS CAST(headers['ce_type'] AS STRING),
  modified AS TO_TIMESTAMP_LTZ(COALESCE(CAST(headers['ce_time'] AS STRING), `time`), 'yyyy-MM-dd''T''HH:mm:ss.SSSX'),
  WATERMARK FOR modified AS modified - INTERVAL '1' MINUTE
) LIKE changes (EXCLUDING METADATA EXCLUDING GENERATED EXCLUDING WATERMARKS);
