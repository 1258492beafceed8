import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type LockedPackage, productionPackages } from './production-packages.ts'

const isLicence = (file: string) => /^(licen[cs]e|notice|copying)/i.test(file)

/** Writes the connector's licence and, in one folder per package, the licences of its production dependencies. */
export function collectLicences(folder: string): void {
  mkdirSync(folder, { recursive: true })
  cpSync('LICENSE', join(folder, 'LICENSE'))
  for (const one of productionPackages()) copyLicence(one, join(folder, `${one.name}@${one.version}`))
}

/** For a package without a licence file, writes the licence name from its package.json. */
function copyLicence({ folder: from, license }: LockedPackage, to: string): void {
  mkdirSync(to, { recursive: true })
  const files = readdirSync(from).filter(isLicence)
  for (const file of files) cpSync(join(from, file), join(to, file))
  if (files.length === 0) writeFileSync(join(to, 'LICENSE'), `${license} (the package includes no licence text)\n`)
}
