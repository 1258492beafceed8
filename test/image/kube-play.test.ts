import { setTimeout as delay } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { type LogLine, says } from '../support/connector-process.ts'
import { imageTag, needContainers } from '../support/containers/connector-container.ts'
import { podman } from '../support/containers/containers.ts'
import { helm, manifestsIn, only } from '../support/helm.ts'
import { freePort } from '../support/servers/free-port.ts'
import { configFile, expectExactlyOnce, type Scene, scene } from '../support/stream-scene.ts'

needContainers()

interface Replica {
  readonly pod: string
  readonly port: number
}

/** Chart values for the scene: settings in `config`, which the chart passes through; credentials as variables. */
function chartValues({ name, environment }: Scene, { pod, port }: Replica): object {
  const [repository, tag] = imageTag().split(':')
  const { POLARIS_URL: url, POLARIS_LIMIT, CHECKPOINT_URL, AWS_REGION, AWS_ENDPOINT_URL_S3, ...rest } = environment
  const polaris = { url, codeMagasin: 1, lastChanged: '2000-01-01', limit: Number(POLARIS_LIMIT) }
  const secrets = Object.entries(rest).filter(([variable]) => variable.startsWith('AWS_'))
  return {
    ...{ replicaCount: 1, fullnameOverride: pod, image: { repository, tag, pullPolicy: 'Never' } },
    config: {
      ...{ connector: name, http: { port }, kafka: { brokers: [rest.KAFKA_BROKERS] } },
      checkpoint: { url: CHECKPOINT_URL, region: AWS_REGION, endpoint: AWS_ENDPOINT_URL_S3 },
      streams: [{ polaris, kafka: { topic: name }, poll: { interval: '200ms' } }],
    },
    extraEnv: secrets.map(([variable, value]) => ({ name: variable, value })),
  }
}

/** Podman runs one pod per Deployment, on the host network: each replica is a release with its own port. */
async function play(stage: Scene, letter: string): Promise<Replica> {
  const replica = { pod: `${stage.name}-${letter}`, port: await freePort() }
  const text = helm(
    '4',
    ['template', 'shops', 'helm', '--no-hooks', '-f', '-'],
    JSON.stringify(chartValues(stage, replica)),
  )
  const file = configFile(withoutPorts(text))
  onTestFinished(async () => void (await podman('pod', 'rm', '--ignore', '--force', '--time', '0', podOf(replica))))
  await podman('kube', 'play', '--network', 'host', file)
  return replica
}

/** Podman publishes every container port, which fails on the host network. */
function withoutPorts(text: string): string {
  const all = manifestsIn(text)
  delete only(all, 'Deployment').spec.template.spec.containers[0].ports
  return all.map((manifest) => stringify(manifest)).join('---\n')
}

const podOf = ({ pod }: Replica) => `${pod}-pod-0`
const containerOf = (replica: Replica) => `${podOf(replica)}-connector`

async function lines(replica: Replica): Promise<LogLine[]> {
  const text = await podman('logs', containerOf(replica))
  return text.split('\n').flatMap((line) => (line.startsWith('{"level"') ? [JSON.parse(line)] : []))
}

async function untilLogged(replica: Replica, isIt: (line: LogLine) => boolean, withinMs = 60_000): Promise<void> {
  for (const giveUpAt = performance.now() + withinMs; ; await delay(200)) {
    const written = await lines(replica)
    if (written.some(isIt)) return
    if (performance.now() > giveUpAt)
      throw new Error(`no matching log line in\n${written.map(({ msg }) => msg).join('\n')}`)
  }
}

it('two replicas of the chart run as pods; when one is killed, the other takes over its stream', async () => {
  const stage = await scene({ source: { clients: 500 } })
  const stopChanging = stage.simulator.changeEvery(50)
  const first = await play(stage, 'a')
  await untilLogged(first, says('new stream claimed'))
  const second = await play(stage, 'b')
  await untilLogged(second, says('standing by: no stream is assigned to this replica'))
  for (const { port } of [first, second]) {
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toContain('<title>Polaris clients connector')
  }

  await podman('pod', 'kill', podOf(first))
  await podman('pod', 'rm', '--force', '--time', '0', podOf(first)) // otherwise podman restarts it
  await untilLogged(second, says('stream claimed'))
  stopChanging()
  await stage.caughtUp()
  await podman('pod', 'stop', '--time', '30', podOf(second))
  expect(await podman('inspect', '--format', '{{.State.ExitCode}}', containerOf(second))).toBe('0')
  expectExactlyOnce(stage, await stage.records())
})
