import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bundle, unbundled } from './build/bundle.ts'
import { billOfMaterials } from './image-files/bill-of-materials.ts'
import { collectLicences } from './image-files/licences.ts'

// usage: node image-files.ts FOLDER: writes to FOLDER what the image adds to Node and its base image: app/, licenses/,
// sbom.cdx.json and the command polaris-connector.
const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: node image-files.ts FOLDER')

const { name, version, type, engines } = JSON.parse(readFileSync('package.json', 'utf8'))
const app = join(folder, 'app')
const commands = join(folder, 'usr/local/bin')
for (const one of [app, commands]) mkdirSync(one, { recursive: true })
await bundle(join(app, 'dist'))
cpSync(join('node_modules', unbundled), join(app, 'node_modules', unbundled), { recursive: true })
// The image has no `env`, so the interpreter needs its full path.
const main = join(app, 'dist/main.js')
writeFileSync(main, readFileSync(main, 'utf8').replace(/^#!.*/, '#!/usr/local/bin/node'))
writeFileSync(join(app, 'package.json'), `${JSON.stringify({ name, version, type, engines })}\n`)
cpSync('scripts/image-files/health-check.js', join(app, 'health-check.js'))
cpSync('config/connector.schema.json', join(app, 'connector.schema.json'))
collectLicences(join(folder, 'licenses'))
writeFileSync(join(folder, 'sbom.cdx.json'), billOfMaterials())
symlinkSync('/app/dist/main.js', join(commands, 'polaris-connector'))
