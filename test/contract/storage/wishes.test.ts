import { expect, test, vi } from 'vitest'
import { runCli } from '../../../connector/cli.ts'
import { commandList } from '../../../connector/commands/command-list.ts'
import { closingAfterEach } from '../../support/closing.ts'
import { startFakeS3 } from '../../support/fakes/fake-s3-server.ts'
import { terminal } from '../../support/typed-command.ts'

/** Commands on an S3 server that compares ETags in its own way: each is a process of its own, which has never written. */
const closing = closingAfterEach()

test('a stream is paused and resumed when its store compares ETags as Ceph does', async () => {
  const server = closing.use(await startFakeS3({ etags: 'ceph' }), (opened) => opened.close())
  const environment = {
    CONNECTOR_ID: 'shop',
    POLARIS_URL: 'http://127.0.0.1:1',
    POLARIS_CODE_MAGASIN: '1',
    KAFKA_BROKERS: '127.0.0.1:1',
    CHECKPOINT_URL: 's3://bucket/checkpoints',
    AWS_ENDPOINT_URL_S3: server.endpoint,
  }
  for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, 'any')
  const enter = async (command: string) => {
    const { out, err, parts } = terminal(environment)
    return { exit: await runCli(command.split(' '), commandList, parts), text: [...out, ...err].join('\n') }
  }
  expect(await enter('pause')).toMatchObject({ exit: 3, text: expect.stringContaining('no readable checkpoint') })
  expect(await enter('resume')).toEqual({ exit: 0, text: expect.stringContaining('is resumed') })
  expect(await enter('resume')).toEqual({ exit: 0, text: expect.stringContaining('is not paused') })
})
