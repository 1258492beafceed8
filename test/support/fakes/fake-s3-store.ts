import { systemClock } from '../../../connector/runtime/clock.ts'
import type { CloseStack } from '../../../connector/runtime/close-stack.ts'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { type S3Settings, storeTimes } from '../../../connector/storage/checkpoint-store-config.ts'
import { s3Store } from '../../../connector/storage/s3/s3-store.ts'
import { type FakeS3Options, startFakeS3 } from './fake-s3-server.ts'

export interface FakeStoreSetting {
  readonly fake?: FakeS3Options
  readonly s3?: S3Settings
  readonly times?: Partial<typeof storeTimes>
}

/** The store `s3://bucket/prefix` of the server at this endpoint, which retries without pauses. */
export function s3StoreAt(endpoint: string, { s3 = {}, times = {} }: FakeStoreSetting, closing: CloseStack) {
  Object.assign(storeTimes, { callWithinMs: 10_000, answerWithinMs: 500 }, times)
  const settings = { endpoint, credentials: { accessKeyId: 'any', secretAccessKey: 'any' }, ...s3 }
  const place = { kind: 's3', bucket: 'bucket', prefix: 'prefix' } as const
  /** The codes of the errors after which a call was repeated. */
  const retried: string[] = []
  const clock = { ...systemClock, random: () => 0 }
  const parts = { clock, onRetry: (error: unknown) => void retried.push(codeOf(error)) }
  const store = closing.use(s3Store({ place, s3: settings }, parts), (opened) => opened.close())
  return { store, retried }
}

/** A fake server and a store on it. */
export async function fakeS3Store(setting: FakeStoreSetting, closing: CloseStack) {
  const server = closing.use(await startFakeS3(setting.fake), (opened) => opened.close())
  return { server, ...s3StoreAt(server.endpoint, setting, closing) }
}
