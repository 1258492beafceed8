import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

/** The CycloneDX document that npm derives from the lock file, plus Node itself, minus what differs between runs. */
export function billOfMaterials(): string {
  const manifest = json('package.json')
  const bill = npmBill(manifest, json('package-lock.json'))
  bill.metadata.component.name = manifest.name
  bill.components.push(nodeItself(process.versions.node))
  delete bill.metadata.timestamp
  delete bill.serialNumber
  return `${JSON.stringify({ ...bill, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(bill))}` }, undefined, 2)}\n`
}

/** Removes the development packages first, since `npm sbom --omit dev` also omits packages that both kinds share. */
function npmBill({ devDependencies, ...manifest }: Record<string, unknown>, lock: LockFile) {
  const kept = Object.entries(lock.packages).filter(([, { dev }]) => !dev)
  const packages = { ...Object.fromEntries(kept), '': manifest }
  const folder = mkdtempSync(join(tmpdir(), 'bill-'))
  try {
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ ...lock, packages }))
    const options = ['--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only']
    return JSON.parse(execFileSync('npm', ['sbom', ...options], { cwd: folder, encoding: 'utf8' }))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function nodeItself(version: string) {
  const reference = `pkg:generic/node@${version}`
  const licenses = [{ license: { id: 'MIT' } }]
  return { 'bom-ref': reference, type: 'platform', name: 'node', version, purl: reference, licenses }
}

const json = (file: string) => JSON.parse(readFileSync(file, 'utf8'))

/** A UUID (version 8) derived from the text. */
function uuidOf(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex')
  const marked = `${hash.slice(0, 12)}8${hash.slice(13, 16)}8${hash.slice(17, 32)}`
  return marked.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
