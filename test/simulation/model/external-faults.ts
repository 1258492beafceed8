import type { Setting, Step } from './environment.ts'
import type { World } from './world.ts'

/** Deletes the document, the group's offsets or the topic, or restores the document with its old version. */
export function externalFaultSteps(world: World, { newProducer }: Setting): Step[] {
  const { document, backup, documentFaults, kafka, kafkaDeletions } = world
  const steps: Step[] = []
  const add = (what: string, change: Partial<World>) =>
    steps.push({ what, by: undefined, world: { ...world, ...change } })
  if (documentFaults > 0) {
    if (document !== undefined && backup === undefined) add('a backup is made', { backup: document })
    if (document !== undefined)
      add('the document is deleted', { documentFaults: documentFaults - 1, document: undefined })
    if (backup !== undefined && backup !== document)
      add('the backup is restored', { documentFaults: documentFaults - 1, document: backup })
  }
  if (kafkaDeletions > 0) {
    const without = { ...kafka, record: undefined }
    if (kafka.record !== undefined) add('the group is deleted', { kafkaDeletions: kafkaDeletions - 1, kafka: without })
    // A deleted topic fails every open producer.
    const hasLostEvents = kafka.hasLostEvents || kafka.published > 0
    const gone = {
      ...without,
      unstable: undefined,
      transaction: undefined,
      hanging: [],
      producer: newProducer(),
      hasLostEvents,
    }
    const { topics } = kafka
    if (kafka.topic > 0)
      add('the topic is deleted', { kafkaDeletions: kafkaDeletions - 1, kafka: { ...gone, topic: 0 } })
    if (kafka.topic > 0)
      add('the topic is deleted and created again', {
        kafkaDeletions: kafkaDeletions - 1,
        kafka: { ...gone, topic: topics + 1, topics: topics + 1 },
      })
  }
  return steps
}
