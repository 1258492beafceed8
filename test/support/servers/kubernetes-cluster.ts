import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { closeStack } from '../../../connector/runtime/close-stack.ts'
import { freePort } from './free-port.ts'
import { startProcess, untilServing } from './server-process.ts'

/** A real API server with its controllers. kwok reports pods as running and Jobs as complete; nothing runs. */
export interface KubernetesCluster {
  /** Path of the kubeconfig file for kubectl and helm. */
  readonly kubeconfig: string
  /** Runs kubectl; resolves to its standard output, rejects with an error that contains its standard error. */
  kubectl(args: readonly string[], input?: string): Promise<string>
  close(): Promise<void>
}

const cached = (path: string) => fileURLToPath(new URL(`../../../.cache/${path}`, import.meta.url))
const run = promisify(execFile)

/**
 * Starts etcd, API server, controllers, scheduler and kwok on loopback,
 * with two nodes in two zones. The processes never outlive this one.
 */
export async function startCluster(): Promise<KubernetesCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'kubernetes-'))
  const closing = closeStack()
  const [etcd, peers, api, manager, scheduler, kwok] = await Promise.all(Array.from({ length: 6 }, freePort))
  const token = randomUUID()
  const kubeconfig = writeAccess(folder, `https://127.0.0.1:${api}`, token)

  const kubectl = async (args: readonly string[], input = '') => {
    const running = run(cached('helm-4/kubectl'), ['--kubeconfig', kubeconfig, ...args], { maxBuffer: 2 ** 26 })
    running.child.stdin?.end(input)
    return (await running).stdout
  }
  const start = async (name: string, args: readonly string[], answers: () => Promise<unknown>) => {
    const logFile = join(folder, `${name}.log`)
    const process = startProcess({ command: cached(`kubernetes/${name}`), args, logFile, temporaryDirectory: folder })
    closing.use(process, (started) => started.end('SIGTERM', 5000))
    await untilServing({ name, process, logFile }, () => isDone(answers))
  }
  const close = async () => {
    await closing.close()
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await start('etcd', etcdOptions(folder, etcd, peers), () => fetch(`http://127.0.0.1:${etcd}/health`))
    await start('kube-apiserver', apiOptions(folder, etcd, api), () => kubectl(['get', '--raw', '/readyz']))
    const controller = [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--bind-address=127.0.0.1']
    const secure = (port: number | undefined) => [
      ...controller,
      `--secure-port=${port}`,
      `--cert-dir=${folder}/certificates`,
    ]
    const keys = `--service-account-private-key-file=${folder}/service-accounts.key`
    await start('kube-controller-manager', [...secure(manager), keys], () =>
      kubectl(['get', 'serviceaccount', 'default']),
    )
    await start('kube-scheduler', secure(scheduler), async () => {})
    await kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: ['a', 'b'].map(node) }))
    const addresses = ['--node-ip=127.0.0.1', `--node-port=${kwok}`, `--server-address=127.0.0.1:${kwok}`]
    const stages = `--config=${cached('kubernetes/kwok-stages.yaml')}`
    await start('kwok', [stages, `--kubeconfig=${kubeconfig}`, '--manage-all-nodes=true', ...addresses], () =>
      kubectl(['wait', '--for=condition=Ready', 'node', '--all', '--timeout=1s']),
    )
  } catch (error) {
    await close()
    throw error
  }
  return { kubeconfig, kubectl, close }
}

async function isDone(attempt: () => Promise<unknown>): Promise<boolean> {
  try {
    await attempt()
    return true
  } catch {
    return false
  }
}

/** Writes the kubeconfig, the admin token and the service-account key; the API server makes its own certificate. */
function writeAccess(folder: string, server: string, token: string): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(join(folder, 'service-accounts.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }))
  writeFileSync(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`)
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token } }],
  }
  writeFileSync(join(folder, 'kubeconfig'), JSON.stringify(kubeconfig), { mode: 0o600 })
  return join(folder, 'kubeconfig')
}

const etcdOptions = (folder: string, port: number | undefined, peers: number | undefined) => [
  `--data-dir=${folder}/etcd`,
  `--listen-client-urls=http://127.0.0.1:${port}`,
  `--advertise-client-urls=http://127.0.0.1:${port}`,
  `--listen-peer-urls=http://127.0.0.1:${peers}`,
  '--unsafe-no-fsync',
  '--log-level=error',
]

const apiOptions = (folder: string, etcd: number | undefined, port: number | undefined) => [
  `--etcd-servers=http://127.0.0.1:${etcd}`,
  '--bind-address=127.0.0.1',
  `--secure-port=${port}`,
  `--cert-dir=${folder}/certificates`,
  '--authorization-mode=RBAC',
  `--token-auth-file=${folder}/tokens.csv`,
  '--service-account-issuer=https://kubernetes.default.svc',
  `--service-account-key-file=${folder}/service-accounts.key`,
  `--service-account-signing-key-file=${folder}/service-accounts.key`,
  '--service-cluster-ip-range=10.0.0.0/24',
  '--endpoint-reconciler-type=none',
]

function node(name: string): object {
  const size = { cpu: '8', memory: '16Gi', pods: '110' }
  const labels = { 'kubernetes.io/hostname': name, 'topology.kubernetes.io/zone': `zone-${name}` }
  const metadata = { name, labels, annotations: { 'kwok.x-k8s.io/node': 'fake' } }
  return { apiVersion: 'v1', kind: 'Node', metadata, status: { allocatable: size, capacity: size } }
}
