import { readNote, readNoteIfAllowed } from '../publish/read-note.ts'
import { checkCheckpoint } from './check-checkpoint.ts'
import type { StreamKafkaFound } from './check-stream-kafka.ts'
import type { DoctorParts, StreamUnderTest } from './doctor-parts.ts'
import { after, type Judgement, judged } from './finding.ts'

interface Found {
  readonly stream: StreamUnderTest
  readonly kafka: StreamKafkaFound
  readonly store: Judgement
}

/** Whether a checkpoint is there, whose it is, and whether it goes with what Kafka knows. Never rejects. */
export function checkStreamStore(
  { config, clock, admin }: DoctorParts,
  { stream, kafka, store }: Found,
  patience: AbortSignal,
): Promise<Judgement> {
  const { object, identity, names } = stream
  const { kafka: publishing, beginAt } = stream.config
  const { destination } = kafka
  const place = { group: names.noteGroup, topic: publishing.topic.events }
  const read = publishing.delivery === 'exactly-once' ? readNote : readNoteIfAllowed
  const side = destination && {
    destination,
    // Whether another one is under way says nothing while somebody may run the stream.
    readNote: async (stop: AbortSignal) => (await read({ ...admin, config: publishing, names }, place, stop)).note,
  }
  const { offsetsRetentionMs } = config
  return after(store, 'the checkpoint store', () =>
    judged({ patience, late: 'storage.unavailable' }, () =>
      checkCheckpoint({ object, identity, beginAt, offsetsRetentionMs, clock, kafka: side }, patience),
    ),
  )
}
