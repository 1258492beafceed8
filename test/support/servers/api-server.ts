import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CloseStack } from '../../../connector/runtime/close-stack.ts'
import { freePort } from './free-port.ts'
import { startProcess, untilServing } from './server-process.ts'

/** Runs kubectl with this standard input; rejects with an error that contains its standard error. */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>

/**
 * Starts the API server of Kubernetes and its etcd on loopback. It validates, admits and stores manifests; without
 * controllers, nothing acts on them, and a pod needs neither its service account nor its priority class.
 */
export async function startApiServer(closing: CloseStack): Promise<Kubectl> {
  const folder = closing.use(mkdtempSync(join(tmpdir(), 'kubernetes-')), (made) => rmSync(made, { recursive: true }))
  const [etcd, peers, api] = await Promise.all([freePort(), freePort(), freePort()])
  const token = randomUUID()
  const key = join(folder, 'service-accounts.key')
  writeFileSync(join(folder, 'tokens.csv'), `${token},admin,admin,system:masters\n`)
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(key, privateKey.export({ type: 'pkcs1', format: 'pem' }))

  const access = ['--server', `https://127.0.0.1:${api}`, '--insecure-skip-tls-verify', '--token', token]
  const kubectl: Kubectl = async (args, input = '') => {
    const running = promisify(execFile)('.cache/helm-4/kubectl', [...access, ...args])
    running.child.stdin?.end(input)
    return (await running).stdout
  }
  const start = async (name: string, args: readonly string[], answers: () => Promise<unknown>) => {
    const logFile = join(folder, `${name}.log`)
    const process = startProcess({ command: `.cache/kubernetes/${name}`, args, logFile, temporaryDirectory: folder })
    closing.use(process, (started) => started.end('SIGTERM', 5000))
    const isServing = () =>
      answers().then(
        () => true,
        () => false,
      )
    await untilServing({ name, process, logFile }, isServing)
  }
  const clients = `http://127.0.0.1:${etcd}`
  const ofEtcd = [
    `--data-dir=${folder}/etcd`,
    `--listen-client-urls=${clients}`,
    `--advertise-client-urls=${clients}`,
    `--listen-peer-urls=http://127.0.0.1:${peers}`,
    '--unsafe-no-fsync',
    '--log-level=error',
  ]
  await start('etcd', ofEtcd, () => fetch(`${clients}/health`))
  const ofServer = [
    `--etcd-servers=${clients}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${api}`,
    `--cert-dir=${folder}`,
    `--token-auth-file=${folder}/tokens.csv`,
    '--authorization-mode=RBAC',
    '--endpoint-reconciler-type=none',
    `--service-account-key-file=${key}`,
    `--service-account-signing-key-file=${key}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-cluster-ip-range=10.0.0.0/24',
    '--disable-admission-plugins=ServiceAccount,Priority',
  ]
  await start('kube-apiserver', ofServer, () => kubectl(['get', '--raw', '/readyz']))
  return kubectl
}
