import { readFileSync } from 'node:fs'
import { productionPackages } from './production-packages.ts'

/** The CycloneDX document of the image: the production packages and Node itself. */
export function billOfMaterials(): string {
  const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'))
  const node = process.versions.node
  const components = [
    ...productionPackages().map((one) => ({
      type: 'library',
      name: one.name,
      version: one.version,
      purl: `pkg:npm/${one.name.replace('@', '%40')}@${one.version}`,
      licenses: [{ expression: one.license }],
    })),
    {
      type: 'platform',
      name: 'node',
      version: node,
      purl: `pkg:generic/node@${node}`,
      licenses: [{ license: { id: 'MIT' } }],
    },
  ]
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', name, version, purl: `pkg:npm/${name}@${version}` } },
    components,
  }
  return `${JSON.stringify(bill, undefined, 2)}\n`
}
