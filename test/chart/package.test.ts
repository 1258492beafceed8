import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { helm, helmVersions, manifestsIn, only, someValues } from '../support/helm.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const folder = mkdtempSync(join(tmpdir(), 'chart-'))
afterAll(() => rmSync(folder, { recursive: true }))

test.each(helmVersions)(
  'Helm %s packages only the necessary files, and renders the same from the package',
  (helmVersion) => {
    helm(helmVersion, ['package', 'helm', '-d', folder])
    const archive = join(folder, `polaris-connector-${version}.tgz`)
    const files = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' }).trim().split('\n').toSorted()
    expect(files.filter((file) => !file.includes('/templates/'))).toEqual(
      ['Chart.yaml', 'README.md', 'alerts.yaml', 'dashboard.json', 'values.schema.json', 'values.yaml']
        .map((file) => `polaris-connector/${file}`)
        .concat('polaris-connector/.helmignore')
        .toSorted(),
    )
    const values = ['-n', 'retail', '-f', 'helm/ci/full-values.yaml']
    const packed = manifestsIn(helm(helmVersion, ['template', 'shops', archive, ...values]))
    expect(packed).toEqual(manifestsIn(helm(helmVersion, ['template', 'shops', 'helm', ...values])))
  },
)

test('the chart has the version of the connector', () => {
  const shown = helm('4', ['show', 'chart', 'helm'])
  expect(shown).toMatch(new RegExp(`^version: ${version}$`, 'm'))
  expect(shown).toMatch(new RegExp(`^appVersion: ${version}$`, 'm'))
})

test.each(helmVersions)(
  'Helm %s accepts the chart as a dependency, which the parent chart can disable',
  (helmVersion) => {
    const parent = join(folder, `parent-${helmVersion}`)
    helm(helmVersion, ['package', 'helm', '-d', join(parent, 'charts')])
    const dependency = { name: 'polaris-connector', version, condition: 'polaris-connector.enabled' }
    const chart = { apiVersion: 'v2', name: 'parent', version: '1.0.0', dependencies: [dependency] }
    writeFileSync(join(parent, 'Chart.yaml'), JSON.stringify(chart))
    const kinds = (enabled: boolean) => {
      const values = {
        global: { of: 'others' },
        'polaris-connector': { ...someValues(), enabled },
      }
      return manifestsIn(helm(helmVersion, ['template', 'shops', parent, '-f', '-'], JSON.stringify(values)))
    }
    const [container] = only(kinds(true), 'Deployment').spec.template.spec.containers
    expect(container.image).toBe(`registry.example/retail/polaris-clients-connector:${version}`)
    expect(kinds(false)).toEqual([])
  },
)
