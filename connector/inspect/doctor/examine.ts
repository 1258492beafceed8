import { checkStreamStore } from './check-checkpoint.ts'
import { checkKafka, type KafkaChecks } from './check-kafka.ts'
import { checkSource } from './check-source.ts'
import { checkControl, checkStore } from './check-store.ts'
import { checkStreamKafka } from './check-stream-kafka.ts'
import type { DoctorParts, StreamUnderTest } from './doctor-parts.ts'
import type { CheckResult, CheckResults, Finding } from './finding.ts'
import { judgeCertificates } from './judge-certificates.ts'

/** Time limit of all checks of Kafka and the checkpoint store. */
const limitMs = 12_000

interface ExamineOptions {
  readonly comparesOutputs: boolean
}

/**
 * Checks all that `run` needs, concurrently and without affecting the streams. Waits for Polaris as long as `run` does.
 * Rejects with the reason of `stop`.
 */
export async function examine(
  parts: DoctorParts,
  { comparesOutputs }: ExamineOptions,
  stop: AbortSignal,
): Promise<Finding[]> {
  using limit = parts.clock.deadline(limitMs, stop)
  const finish = limit.signal
  const { during } = parts.progress
  const checks = {
    kafka: during('kafka', null, () => checkKafka(parts, finish)),
    store: during('checkpoint store', null, () => checkStore(parts, finish)),
  }
  const shared: SharedChecks = { ...checks, finish, comparesOutputs, stop }
  const streams = await Promise.all(parts.streams.map((stream) => examineStream(parts, stream, shared)))
  const store = await shared.store
  const control = await checkControl(parts, store, finish)
  const ofConnector: CheckResults = { ...(await shared.kafka).results, 'checkpoint store': store, control }
  stop.throwIfAborted()
  return [listed(null, ofConnector), ...streams].flat()
}

/** Running checks of what all streams need. */
interface SharedChecks extends ExamineOptions {
  readonly kafka: Promise<KafkaChecks>
  readonly store: Promise<CheckResult>
  readonly finish: AbortSignal
  readonly stop: AbortSignal
}

async function examineStream(parts: DoctorParts, stream: StreamUnderTest, shared: SharedChecks): Promise<Finding[]> {
  const { finish, comparesOutputs, stop } = shared
  const { name } = stream.config
  const { clock, progress } = parts
  const source = checkSource(stream, { clock, progress, comparesOutputs }, stop)
  const ofKafka = await shared.kafka
  const kafka = await progress.during('topics and permissions', name, () =>
    checkStreamKafka(parts, { stream, kafka: ofKafka }, finish),
  )
  const store = await shared.store
  const checkpoint = await progress.during('checkpoint', name, () =>
    checkStreamStore(parts, { stream, kafka, store }, finish),
  )
  const { polaris, ...pages } = await source
  const certificates = judgeCertificates(stream.certificates(), parts.clock.now())
  const ofPolaris = { ...(polaris && { polaris }), ...certificates, ...pages }
  return listed(name, { ...ofPolaris, ...kafka.results, checkpoint })
}

const listed = (stream: string | null, results: CheckResults): Finding[] =>
  Object.entries(results).map(([check, result]) => ({ stream, check, ...result }))
