import { checkKafka, type KafkaFound } from './check-kafka.ts'
import { checkSource } from './check-source.ts'
import { checkStreamKafka } from './check-stream-kafka.ts'
import { checkStreamStore } from './check-stream-store.ts'
import type { DoctorParts, StreamUnderTest } from './doctor-parts.ts'
import { type Finding, type Findings, type Judgement, judged, ok } from './finding.ts'

/** All of it ends after this time. */
const withinMs = 12_000

/** Looks at everything that `run` needs, all at once, and moves nothing. Rejects with the reason of `stop`. */
export async function examine(parts: DoctorParts, stop: AbortSignal): Promise<Finding[]> {
  using limit = parts.clock.deadline(withinMs, stop)
  const patience = limit.signal
  const shared: Shared = { kafka: checkKafka(parts, patience), store: checkStore(parts, patience), patience }
  const streams = await Promise.all(parts.streams.map((stream) => examineStream(parts, stream, shared)))
  const whole: Findings = { ...(await shared.kafka).findings, 'checkpoint store': await shared.store }
  stop.throwIfAborted()
  return [listed(null, whole), ...streams].flat()
}

/** What all streams need, being looked at. */
interface Shared {
  readonly kafka: Promise<KafkaFound>
  readonly store: Promise<Judgement>
  readonly patience: AbortSignal
}

function checkStore({ store }: DoctorParts, patience: AbortSignal): Promise<Judgement> {
  return judged({ patience, late: 'storage.unavailable' }, async () => {
    await store.probe(patience)
    return ok('its conditional writes hold')
  })
}

async function examineStream(parts: DoctorParts, stream: StreamUnderTest, shared: Shared): Promise<Finding[]> {
  const { patience } = shared
  const source = checkSource(stream, parts.clock, patience)
  const kafka = await checkStreamKafka(parts, { stream, kafka: await shared.kafka }, patience)
  const checkpoint = await checkStreamStore(parts, { stream, kafka, store: await shared.store }, patience)
  return listed(stream.config.name, { ...(await source), ...kafka.findings, checkpoint })
}

const listed = (stream: string | null, findings: Findings): Finding[] =>
  Object.entries(findings).map(([check, judgement]) => ({ stream, check, ...judgement }))
