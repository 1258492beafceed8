import { DAY_MS } from '../../runtime/units.ts'
import type { SeenCertificate } from '../../source/client-source.ts'
import { checkStreamStore } from './check-checkpoint.ts'
import { checkSource } from './check-source.ts'
import { checkStore, checkWishes } from './check-store.ts'
import type { DoctorParts, StreamUnderTest } from './doctor-parts.ts'
import { type CheckResult, type CheckResults, type Finding, ok, warning } from './finding.ts'
import { judgeRequests } from './judge-requests.ts'
import { checkKafka, type KafkaChecks } from './kafka/check-kafka.ts'
import { checkStreamKafka } from './kafka/check-stream-kafka.ts'

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
  const wishes = await checkWishes(parts, store, finish)
  const requests = judgeRequests(parts.config.streams)
  const ofConnector: CheckResults = { ...(await shared.kafka).results, 'checkpoint store': store, wishes, requests }
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

type Kind = SeenCertificate['certificate']

/** Enough for a certificate that another company renews. */
const WARN_DAYS = 30

const names: Readonly<Record<Kind, string>> = {
  server: 'of the server',
  pinned: 'of the server (pinned)',
  ca: 'of its CA',
  client: 'of the connector',
}

const hints: Readonly<Record<Kind, string>> = {
  server: 'ask the operator of the server to renew its certificate',
  pinned: 'add the fingerprint of the next certificate to POLARIS_TLS_FINGERPRINTS before the server is renewed',
  ca: 'add the next CA to the file of POLARIS_CA',
  client: 'renew the client certificate in POLARIS_TLS_CERT and POLARIS_TLS_KEY',
}

/** When the certificates of the connections to Polaris expire; no result without TLS. */
export function judgeCertificates(seen: readonly SeenCertificate[], now: number): CheckResults {
  const latest = new Map(seen.map(({ certificate, expiresAt }) => [certificate, expiresAt]))
  return latest.size === 0 ? {} : { certificates: judged([...latest], now) }
}

function judged(expiries: readonly (readonly [Kind, number])[], now: number): CheckResult {
  const daysTo = (at: number) => Math.floor((at - now) / DAY_MS)
  const detail = expiries.map(([kind, at]) => `${names[kind]} ${remaining(daysTo(at))}`).join(', ')
  // A pinned certificate is accepted after it has expired.
  const ending = expiries.filter(([kind, at]) => daysTo(at) < WARN_DAYS && (kind !== 'pinned' || at > now))
  return ending.length === 0 ? ok(detail) : warning(detail, ending.map(([kind]) => hints[kind]).join('; '))
}

const remaining = (days: number) => (days < 0 ? `expired ${-days} days ago` : `expires in ${days} days`)
