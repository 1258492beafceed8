import { CLIENT_BYTES } from '../../index/client-table.ts'
import { readKafkaState } from '../../kafka/transactions/kafka-state.ts'
import { hintFor } from '../../runtime/error-catalogue.ts'
import { checkKafka, checkStreamKafka, checkTransaction, type StreamKafkaChecks } from './check-kafka.ts'
import { checkSource } from './check-source.ts'
import { checkCheckpoint, checkStore } from './check-store.ts'
import {
  type CheckResult,
  type CheckResults,
  type DoctorParts,
  type Finding,
  hasPassed,
  okResult,
  resultOf,
  type StreamUnderTest,
  skippedResult,
} from './doctor-parts.ts'

/** All checks of Kafka and the checkpoint store must end within this time. */
const limitMs = 12_000

/**
 * Checks all that `run` needs, concurrently and without affecting the streams. Waits for Polaris as long as `run` does.
 * Rejects with the reason of `stop`.
 */
export async function examine(parts: DoctorParts, stop: AbortSignal): Promise<Finding[]> {
  using limit = parts.clock.deadline(limitMs, stop)
  const { signal: finish } = limit
  const kafka = checkKafka(parts, finish)
  const store = checkStore(parts, finish)
  const checks = parts.streams.map((stream) => {
    return { stream, store, kafka: checkStreamKafka(parts, { stream, kafka }, finish) }
  })
  const trial = checkTransaction(parts, checks, finish)
  const streams = await Promise.all(checks.map((one) => examineStream(parts, one, { stop, finish })))
  const { results } = await kafka
  const transaction = await trial
  stop.throwIfAborted()
  const ofConnector = { ...results, transaction, 'checkpoint store': await store, memory: memoryOf(parts) }
  return [findingsOf(null, ofConnector), ...streams].flat()
}

async function examineStream(
  parts: DoctorParts,
  { stream, ...shared }: { stream: StreamUnderTest; kafka: Promise<StreamKafkaChecks>; store: Promise<CheckResult> },
  { stop, finish }: { stop: AbortSignal; finish: AbortSignal },
): Promise<Finding[]> {
  const source = checkSource(stream, parts.clock, stop)
  const kafka = await shared.kafka
  const checkpoint = hasPassed(await shared.store)
    ? await checkOpening(parts, { stream, kafka }, finish)
    : skippedResult('requires the checkpoint store')
  const names = { connector: parts.config.connector, stream: stream.config.name }
  return findingsOf(names.stream, { ...(await source), ...kafka.results, checkpoint }).map(({ hint, ...finding }) =>
    hint === undefined ? finding : { ...finding, hint: hintFor(hint, names) },
  )
}

function checkOpening(
  { admin, clock }: DoctorParts,
  { stream, kafka }: { stream: StreamUnderTest; kafka: StreamKafkaChecks },
  finish: AbortSignal,
): Promise<CheckResult> {
  const { topics } = kafka
  const recordPlace = { group: stream.names.recordGroup, topic: stream.config.kafka.topic.events }
  const request = topics && { topics, recordPlace, producerIds: [], coordinatorFinder: undefined }
  const readState = request && ((signal: AbortSignal) => readKafkaState(admin, request, signal))
  return resultOf({ finish, timeoutCode: 'storage.unavailable' }, () =>
    checkCheckpoint({ stream, kafka, readState, clock }, finish),
  )
}

const MIB = 1024 ** 2

/** Tells what the client indexes take, which a replica holds for its streams. */
function memoryOf({ indexBytes }: DoctorParts): CheckResult {
  const million = Math.ceil((CLIENT_BYTES * 1_000_000) / MIB)
  return okResult(
    `a million clients take ${million} MiB; this machine leaves ${Math.floor(indexBytes / MIB)} MiB for all streams`,
  )
}

const findingsOf = (stream: string | null, results: CheckResults): Finding[] =>
  Object.entries(results).map(([check, result]) => ({ stream, check, ...result }))
