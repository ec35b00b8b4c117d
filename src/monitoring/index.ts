export { createMonitoring, type Monitoring } from './create-monitoring.ts'
