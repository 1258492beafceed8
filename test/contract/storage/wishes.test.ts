import { expect, test, vi } from 'vitest'
import type { CheckpointDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { serializeDocument } from '../../../connector/checkpoint/checkpoint-document.ts'
import { parseWishes } from '../../../connector/checkpoint/wishes.ts'
import { runCli } from '../../../connector/cli.ts'
import { commandList } from '../../../connector/commands/command-list.ts'
import { closingAfterEach } from '../../support/closing.ts'
import { type FakeS3Options, fakeObject, startFakeS3 } from '../../support/fakes/fake-s3-server.ts'
import { terminal } from '../../support/typed-command.ts'
import { documentWith } from '../../unit/checkpoint/documents.ts'

/** Commands that write wishes into an S3 server, each as in a process of its own, which has never written. */
const closing = closingAfterEach()

async function operator(options: FakeS3Options = {}) {
  const server = closing.use(await startFakeS3(options), (opened) => opened.close())
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'any')
  const environment = {
    CONNECTOR_ID: 'shop',
    POLARIS_URL: 'http://127.0.0.1:1',
    POLARIS_CODE_MAGASIN: '1',
    KAFKA_BROKERS: '127.0.0.1:1',
    CHECKPOINT_URL: 's3://bucket',
    AWS_ENDPOINT_URL_S3: server.endpoint,
  }
  return {
    server,
    /** `whileWaiting` is called as soon as the command has stored its wish, and waits for a replica, with its warnings. */
    enter: async (command: string, whileWaiting: (stop: () => void, said: string) => void = () => {}) => {
      const stopping = new AbortController()
      const { out, err, parts } = terminal(environment)
      const showProgress = () => {
        const stop = () => stopping.abort(new DOMException('stopped by SIGINT', 'AbortError'))
        whileWaiting(stop, err.join('\n'))
        return { [Symbol.dispose]: () => {} }
      }
      const exit = await runCli(command.split(' '), commandList, { ...parts, showProgress, stop: stopping.signal })
      return { exit, text: [...err, ...out].join('\n') }
    },
    store: (document: Partial<CheckpointDocument>) =>
      server.objects.set('shop/clients.json', fakeObject(serializeDocument({ ...documentWith({}), ...document }))),
    wishes: () => parseWishes(server.objects.get('shop/clients.wishes.json')?.body.toString() ?? ''),
  }
}

test('a stream is paused and resumed when its store compares ETags as Ceph does', async () => {
  const { enter } = await operator({ etags: 'ceph' })
  expect(await enter('pause')).toMatchObject({ exit: 3, text: expect.stringContaining('no readable checkpoint') })
  expect(await enter('resume')).toEqual({ exit: 0, text: expect.stringContaining('is resumed') })
  expect(await enter('resume')).toEqual({ exit: 0, text: expect.stringContaining('is not paused') })
})

const rewind = 'checkpoint rewind --to beginning --republish'

test.each([
  ['pause', 'stored, but no replica has confirmed yet that stream clients is paused'],
  [rewind, 'stored, but no replica has applied it yet; it stays'],
])(
  '%s says that it is stored, and ends with 3, when it is stopped or a look fails after that',
  async (command, says) => {
    const { enter, server, store } = await operator()
    store({})
    expect(await enter(command, (stop) => stop())).toEqual({
      exit: 3,
      text: expect.stringMatching(new RegExp(`${says}$`)),
    })
    const refused = { kind: 'answer', status: 403, code: 'AccessDenied' } as const
    const failed = await enter(command, () => server.next('GET', refused, refused))
    expect(failed).toEqual({
      exit: 3,
      text: expect.stringMatching(new RegExp(`${says}: read s3://.*403 AccessDenied`)),
    })
  },
)

test('a rewind without --yes says before it waits what a held stream needs', async () => {
  const { enter, store } = await operator()
  store({})
  const said: string[] = []
  for (const command of [rewind, `${rewind} --yes`])
    await enter(command, (stop, warnings) => {
      said.push(warnings)
      stop()
    })
  expect(said).toEqual(['stored. If the stream is held over its checkpoint, repeat the command with --yes', ''])
})

test('a rewind says that it has replaced another one only if that was not applied', async () => {
  const { enter, store, wishes } = await operator()
  const isApplied = () => void store({ appliedRewind: wishes()?.rewind?.id ?? null })
  store({})
  const note = 'It has replaced one that was not applied yet.'
  await enter(rewind, (stop) => stop())
  expect((await enter(rewind, isApplied)).text).toMatch(new RegExp(`applied: epoch \\d+. ${note}$`))
  // Nobody has cleared it.
  expect(await enter(rewind, isApplied)).toEqual({ exit: 0, text: expect.stringMatching(/applied: epoch \d+.$/) })
})
