-- The topic as an upsert table: the newest event of each client; a tombstone deletes its row.
CREATE TABLE client_events (
  client STRING,
  `type` STRING,
  `data` ROW<Nom STRING, Adresse ROW<Ville STRING>, ChiffreAffaires STRING, NoVersion STRING>,
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

-- An event client.removed has no data: it ends the row too. Every value is text: cast it here.
CREATE VIEW clients AS
SELECT
  client AS `No`,
  `data`.Nom AS Nom,
  `data`.Adresse.Ville AS Ville,
  CAST(`data`.ChiffreAffaires AS DECIMAL(12, 2)) AS ChiffreAffaires,
  CAST(`data`.NoVersion AS BIGINT) AS NoVersion
FROM client_events
WHERE `type` = 'client.modified';

-- The topic as a stream of changes, for windows. The watermark follows the record timestamp.
CREATE TABLE changes (
  `type` STRING,
  `time` TIMESTAMP_LTZ(3),
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
  'json.timestamp-format.standard' = 'ISO-8601',
  'scan.watermark.emit.strategy' = 'on-event' -- so that a short topic shows what is late
);

-- The same with a watermark that follows the modification time: only with poll.backfill: before.
CREATE TABLE changes_by_time (
  WATERMARK FOR `time` AS `time` - INTERVAL '1' MINUTE
) LIKE changes (EXCLUDING WATERMARKS);
