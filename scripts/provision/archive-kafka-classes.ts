import { renameSync } from 'node:fs'
import { startKafka } from '../../test/support/servers/kafka-broker.ts'

// usage: node archive-kafka-classes.ts FILE: starts and stops a broker, and writes its class-data archive to FILE.
const [file] = process.argv.slice(2)
if (file === undefined) throw new Error('usage: node archive-kafka-classes.ts FILE')

const unfinished = `${file}.${process.pid}`
const kafka = await startKafka({ javaOptions: [`-XX:ArchiveClassesAtExit=${unfinished}`] })
await kafka.stop(1, 300_000) // writes the archive
await kafka.close()
renameSync(unfinished, file)
