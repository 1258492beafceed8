import { setTimeout as delay } from 'node:timers/promises'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { type ComposeStack, startComposed } from '../support/containers/compose-stack.ts'
import { imageTag, needContainers } from '../support/containers/connector-container.ts'
import { buildImage, composeImages, podman, whyNoContainers } from '../support/containers/containers.ts'
import { readTopicUntil, type TopicRecord } from '../support/topic-reader.ts'

// podman-compose starts the stack of the repository, and one replica is killed.

needContainers()
beforeEach((context) => {
  if (composeImages() === undefined) context.skip('versitygw was neither pulled nor built')
})

const simulator = 'localhost/polaris-simulator:test'
const images = () => ({ CONNECTOR_IMAGE: imageTag(), SIMULATOR_IMAGE: simulator, ...composeImages() })
const streams = ['lille', 'lyon', 'paris']

beforeAll(async () => {
  if (whyNoContainers() === undefined) await buildImage({ target: 'simulator', tag: simulator })
})

/** Waits until the replicas run the wanted numbers of streams, as their status pages report. */
async function untilShared({ pages }: ComposeStack, wanted: readonly number[], withinMs = 60_000): Promise<void> {
  for (const giveUpAt = performance.now() + withinMs; ; await delay(1_000)) {
    const shares = (await Promise.all(pages.map(streamsOn))).filter((share) => share !== undefined)
    if (String(shares.toSorted()) === String(wanted)) return
    if (performance.now() > giveUpAt) throw new Error(`streams not shared as ${wanted}: ${shares}`)
  }
}

/** How many streams the replica with this status page runs; undefined: it does not respond. */
async function streamsOn(page: string): Promise<number | undefined> {
  const answer = await fetch(new URL('/status', page)).catch(() => undefined)
  if (answer === undefined) return undefined
  const { streams } = (await answer.json()) as { readonly streams: readonly { readonly state: string }[] }
  return streams.filter(({ state }) => state === 'running').length
}

/** Waits until the topic has the last change so far, or a later one of that client. */
async function untilPublished(stack: ComposeStack, topic: string): Promise<void> {
  const { clientId, version } = (await stack.changes()).at(-1) ?? expect.fail('no change')
  const isPublished = ({ key, value }: TopicRecord) =>
    key === clientId && Number((value as { readonly data: { readonly NoVersion: string } }).data.NoVersion) >= version
  const isEnough = (records: readonly TopicRecord[]) => records.some(isPublished)
  await readTopicUntil(stack.kafka, topic, { withinMs: 60_000, follows: true, isEnough })
}

// Only the images of Kafka and the S3 server may be stand-ins (test/image/stand-ins), when they cannot be pulled.
test('two replicas of compose.yaml share three streams; when one is killed, the other continues all', async () => {
  console.log(`compose.yaml with ${Object.values(images()).join(' ')}`)
  const stack = await startComposed(images())
  for (const service of ['kafka', 's3', 'polaris', 'connector-1', 'connector-2']) await stack.untilHealthy(service)
  await untilShared(stack, [1, 2])
  for (const page of stack.pages) expect(await (await fetch(page)).text()).toContain('</html>')

  await podman('rm', '--force', '--time', '0', stack.container('connector-1'))
  await untilShared(stack, [3])
  for (const stream of streams) await untilPublished(stack, `client.modified.${stream}`)
  await stack.untilHealthy('connector-2')

  const exitCodes = await stack.stop()
  expect([...exitCodes.keys()].toSorted()).toEqual(['connector-2', 'kafka', 'polaris', 's3'])
  expect(exitCodes.get('connector-2')).toBe(0)
  expect(await stack.down()).toBe('')
})
