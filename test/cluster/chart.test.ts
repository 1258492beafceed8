import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HelmVersion, helm, helmVersions, someValues } from '../support/helm.ts'
import { type KubernetesCluster, startCluster } from '../support/servers/kubernetes-cluster.ts'

let cluster: KubernetesCluster
beforeAll(async () => {
  cluster = await startCluster()
})
afterAll(() => cluster?.close())

const apply = (manifest: object) => cluster.kubectl(['apply', '-f', '-'], JSON.stringify(manifest))
const get = async (...args: readonly string[]) => JSON.parse(await cluster.kubectl(['get', '-o', 'json', ...args]))

/** Creates a namespace that rejects pods that are not "restricted". */
async function newNamespace(name: string): Promise<void> {
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' }
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
}

/** Runs helm on the cluster, with the given values. */
function run(version: HelmVersion, namespace: string, args: readonly string[], values?: object): string {
  const access = ['--kubeconfig', cluster.kubeconfig, '-n', namespace]
  const input = values === undefined ? [] : ['-f', '-']
  return helm(version, [...args, ...input, ...access], JSON.stringify(values ?? {}))
}

const wait = ['--wait', '--timeout', '60s']
const podsOf = async (namespace: string) => {
  const { items } = await get('pods', '-n', namespace, '-l', 'app.kubernetes.io/component=connector')
  return items as { metadata: { name: string; labels: Record<string, string> }; spec: { nodeName?: string } }[]
}
const hashes = async (namespace: string) => {
  return new Set((await podsOf(namespace)).map(({ metadata }) => metadata.labels['pod-template-hash']))
}

describe('before the Prometheus operator is installed', () => {
  test('the installation of a monitor fails and names the missing kind', async () => {
    await newNamespace('early')
    const install = () => run('4', 'early', ['install', 'shops', 'helm'], someValues({ podMonitor: { enabled: true } }))
    expect(install).toThrow(/no matches for kind "PodMonitor"/)
  })
})

describe('with the custom resource definitions of the Prometheus operator', () => {
  beforeAll(async () => {
    await cluster.kubectl(['apply', '--server-side', '-f', '.cache/kubernetes/definitions'])
    await cluster.kubectl(['wait', '--for=condition=Established', 'customresourcedefinition', '--all', '--timeout=30s'])
  })

  test.each(readdirSync('helm/ci'))('the API server accepts every manifest and every field of %s', async (name) => {
    await newNamespace('strict')
    const rendered = helm('4', ['template', 'shops', 'helm', '-n', 'strict', '-f', `helm/ci/${name}`])
    const strict = ['apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', '-']
    const answer = await cluster.kubectl(strict, rendered)
    expect(answer.trim().split('\n')).toHaveLength(rendered.match(/^kind: /gm)?.length ?? 0)
    const misspelled = rendered.replace('imagePullPolicy', 'imagePullPolcy')
    await expect(cluster.kubectl(strict, misspelled)).rejects.toThrow(/imagePullPolcy/)
  })

  describe.each(helmVersions)('Helm %s', (version) => {
    const namespace = `helm-${version}`
    const more = {
      podMonitor: { enabled: true },
      prometheusRule: { enabled: true },
      networkPolicy: { enabled: true },
    }
    beforeAll(async () => {
      await newNamespace(namespace)
      run(version, namespace, ['install', 'shops', 'helm', ...wait], someValues(more))
    })

    test('installs two replicas on two nodes under Pod Security "restricted", with all other resources', async () => {
      const pods = await podsOf(namespace)
      expect(new Set(pods.map(({ spec }) => spec.nodeName))).toEqual(new Set(['a', 'b']))
      const kinds = 'configmap,service,serviceaccount,poddisruptionbudget,networkpolicy,podmonitor,prometheusrule'
      const { items } = await get(kinds, '-n', namespace, '-l', 'app.kubernetes.io/instance=shops')
      expect(items.map(({ kind }: { kind: string }) => kind).toSorted()).toEqual([
        'ConfigMap',
        'NetworkPolicy',
        'PodDisruptionBudget',
        'PodMonitor',
        'PrometheusRule',
        'Service',
        'ServiceAccount',
      ])
    })

    test('finds both replicas behind the Service', async () => {
      const { items } = await get('endpointslices', '-n', namespace)
      const addresses = items.flatMap(({ endpoints }: { endpoints: unknown[] | null }) => endpoints ?? [])
      expect(addresses).toHaveLength(2)
    })

    test('replaces the pods when the configuration changes, and again on rollback', async () => {
      const before = await hashes(namespace)
      const { config } = someValues()
      const changed = someValues({ ...more, config: { ...config, log: { level: 'debug' } } })
      run(version, namespace, ['upgrade', 'shops', 'helm', ...wait], changed)
      await settled(namespace)
      expect(await hashes(namespace)).not.toEqual(before)

      run(version, namespace, ['rollback', 'shops', '1', ...wait])
      await settled(namespace)
      expect(await hashes(namespace)).toEqual(before)
    })

    test('replaces no pod on an upgrade without changes', async () => {
      const before = (await podsOf(namespace)).map(({ metadata }) => metadata.name).toSorted()
      run(version, namespace, ['upgrade', 'shops', 'helm', ...wait], someValues(more))
      expect((await podsOf(namespace)).map(({ metadata }) => metadata.name).toSorted()).toEqual(before)
    })

    test('has a disruption budget that allows an eviction only while another replica is ready', async () => {
      await cluster.kubectl(['cordon', 'a', 'b'])
      try {
        const evicted = await evictUntilRefused(namespace)
        expect(evicted).toBeGreaterThan(0)
        expect(await readyPods(namespace)).toHaveLength(1)
      } finally {
        await cluster.kubectl(['uncordon', 'a', 'b'])
      }
      await settled(namespace)
      const [name] = await readyPods(namespace)
      await evict(namespace, name)
    })

    test('leaves nothing running after uninstall', async () => {
      run(version, namespace, ['uninstall', 'shops', '--wait'])
      const { items } = await get('all,configmap,serviceaccount,networkpolicy', '-n', namespace, '-l', 'helm.sh/chart')
      const left = items.map(
        ({ kind, metadata }: { kind: string; metadata: { name: string } }) => `${kind} ${metadata.name}`,
      )
      expect(left).toEqual([])
    })
  })

  test('a pod that is not "restricted" is rejected, and the installation fails', async () => {
    await newNamespace('loose')
    const install = ['install', 'shops', 'helm', '--wait', '--timeout', '5s']
    expect(() => run('4', 'loose', install, someValues({ podSecurityContext: { runAsUser: 0 } }))).toThrow(/not ready/)
    const { items } = await get('events', '-n', 'loose', '--field-selector', 'reason=FailedCreate')
    expect(items[0].message).toContain('violates PodSecurity "restricted')
  })
})

/** Waits until the rollout is complete and only the two new pods are left. */
async function settled(namespace: string): Promise<void> {
  await cluster.kubectl(['rollout', 'status', 'deployment', '-n', namespace, '--timeout=30s'])
  const gone = async () => (await podsOf(namespace)).length === 2
  await expect.poll(gone, { timeout: 30_000 }).toBe(true)
}

async function readyPods(namespace: string): Promise<string[]> {
  const { items } = await get('pods', '-n', namespace, '-l', 'app.kubernetes.io/component=connector')
  type Pod = { metadata: { name: string }; status: { conditions?: { type: string; status: string }[] } }
  const isReady = ({ status }: Pod) => status.conditions?.some((is) => is.type === 'Ready' && is.status === 'True')
  return (items as Pod[]).filter(isReady).map(({ metadata }) => metadata.name)
}

/** The number of evicted replicas: more than one only while the scheduler does not yet see the cordoned nodes. */
async function evictUntilRefused(namespace: string): Promise<number> {
  for (let evicted = 0; evicted < 20; evicted++) {
    const [name] = await readyPods(namespace)
    const refusal = await evict(namespace, name).then(
      () => undefined,
      (error: Error) => error.message,
    )
    if (refusal === undefined) continue
    expect(refusal).toContain("it would violate the pod's disruption budget")
    return evicted
  }
  throw new Error('no eviction was rejected')
}

async function evict(namespace: string, name = ''): Promise<void> {
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`
  await cluster.kubectl(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction))
}
