import { randomUUID } from 'node:crypto'
import type { TestProject } from 'vitest/node'
import { closeStack } from '../../../connector/runtime/close-stack.ts'
import { type SecureListeners, startKafka } from '../servers/kafka-broker.ts'
import { makeBucket, type S3Address, startS3 } from '../servers/s3-server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port`, comma-separated. Shared, so each test uses its own topics, groups and transactional ids. */
    kafkaBrokers: string
    /** Of the same broker; null if the environment names the brokers. */
    kafkaSecure: SecureListeners | null
    /** All tests share the store, so each uses its own prefix. */
    s3: S3Address
  }
}

/** Vitest's global setup: starts one Kafka broker and one S3 server per run, unless the environment names others. */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const closing = closeStack()
  const kafka = async () => {
    const given = process.env.KAFKA_BROKERS
    if (given !== undefined) return { bootstrap: given, secure: undefined }
    return closing.use(await startKafka({ secure: true }), (cluster) => cluster.close())
  }
  const s3 = async (): Promise<S3Address> => {
    const given = s3OfEnvironment()
    if (given === undefined) return addressOf(closing.use(await startS3(), (server) => server.close()))
    await makeBucket(given)
    return given
  }
  const [brokers, store] = await Promise.allSettled([kafka(), s3()])
  if (brokers.status === 'rejected' || store.status === 'rejected') {
    await closing.close()
    throw [brokers, store].find((outcome) => outcome.status === 'rejected')?.reason
  }
  provide('kafkaBrokers', brokers.value.bootstrap)
  provide('kafkaSecure', brokers.value.secure ?? null)
  provide('s3', store.value)
  return () => closing.close()
}

function addressOf({ endpoint, region, accessKeyId, secretAccessKey, bucket }: S3Address): S3Address {
  return { endpoint, region, accessKeyId, secretAccessKey, bucket }
}

/** The store in the standard AWS variables, with `S3_TEST_BUCKET` or a new bucket; undefined without an endpoint. */
function s3OfEnvironment(): S3Address | undefined {
  const { AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, S3_TEST_BUCKET } = process.env
  if (AWS_ENDPOINT_URL_S3 === undefined) return undefined
  return {
    endpoint: AWS_ENDPOINT_URL_S3,
    region: AWS_REGION ?? 'us-east-1',
    accessKeyId: AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: AWS_SECRET_ACCESS_KEY ?? '',
    bucket: S3_TEST_BUCKET ?? `connector-test-${randomUUID()}`,
  }
}
