import { connectorConfig } from '../../connector/config/connector-config.ts'
import { loadConfig } from '../../connector/config/load-config.ts'
import type { PolarisConfig } from '../../connector/source/polaris/polaris-config.ts'

const required = {
  CONNECTOR_ID: 'shops',
  KAFKA_BROKERS: 'kafka-1:9092',
  CHECKPOINT_URL: 's3://bucket/polaris',
  POLARIS_URL: 'http://polaris.example.com',
  POLARIS_CODE_MAGASIN: '1',
}

/** The configuration if only required settings are given. */
const defaultConfig = connectorConfig(
  loadConfig({ file: undefined, environment: required, readFile: () => '', now: 0 }),
)

export const defaultPolaris = polarisOf(defaultConfig.streams)

function polarisOf([stream]: typeof defaultConfig.streams): PolarisConfig {
  if (stream === undefined) throw new Error('there is no stream')
  return stream.polaris
}
