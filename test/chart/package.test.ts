import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { closingAfterAll, temporaryFolder } from '../support/closing.ts'
import { helm, manifestsIn, only, someValues } from '../support/helm.ts'

// Helm packages the chart, and renders the package and a parent chart that depends on it.

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const folder = temporaryFolder(closingAfterAll())

test('the package has only the necessary files, and renders the same', () => {
  helm('4', ['package', 'helm', '-d', folder])
  const archive = join(folder, `polaris-connector-${version}.tgz`)
  const files = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' }).trim().split('\n')
  const expected = ['Chart.yaml', 'README.md', 'alerts.yaml', 'dashboard.json', 'values.schema.json', 'values.yaml']
  expect(files.filter((file) => !file.includes('/templates/')).toSorted()).toEqual(
    ['.helmignore', ...expected].map((file) => `polaris-connector/${file}`),
  )
  const values = ['-n', 'retail', '-f', 'helm/ci/full-values.yaml']
  const packed = manifestsIn(helm('4', ['template', 'shops', archive, ...values]))
  expect(packed).toEqual(manifestsIn(helm('4', ['template', 'shops', 'helm', ...values])))
})

test('a parent chart can have the chart as a dependency, and disable it', () => {
  const parent = join(folder, 'parent')
  helm('4', ['package', 'helm', '-d', join(parent, 'charts')])
  const dependency = { name: 'polaris-connector', version, condition: 'polaris-connector.enabled' }
  const chart = { apiVersion: 'v2', name: 'parent', version: '1.0.0', dependencies: [dependency] }
  writeFileSync(join(parent, 'Chart.yaml'), JSON.stringify(chart))
  const kinds = (enabled: boolean) => {
    const values = { global: { of: 'others' }, 'polaris-connector': { ...someValues(), enabled } }
    return manifestsIn(helm('4', ['template', 'shops', parent, '-f', '-'], JSON.stringify(values)))
  }
  const [container] = only(kinds(true), 'Deployment').spec.template.spec.containers
  expect(container.image).toBe(`registry.example/retail/polaris-clients-connector:${version}`)
  expect(kinds(false)).toEqual([])
})
