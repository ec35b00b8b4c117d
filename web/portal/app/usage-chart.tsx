import '@mantine/charts/styles.css'
import { BarChart } from '@mantine/charts'
import type { ReactNode } from 'react'
import type { ChartData } from '../view-models/usage.ts'

const colors = ['brand.6', 'teal.6', 'orange.6', 'grape.6', 'cyan.7', 'gray.6']

/** Calls of each day; the table below it has the same figures for those who do not see it. */
export function UsageChart({ data }: { data: ChartData }): ReactNode {
  return (
    <figure aria-label="Calls by day; the table below has the figures">
      <BarChart
        h={280}
        data={data.days}
        dataKey="day"
        type="stacked"
        withLegend={data.series.length > 1}
        legendProps={{ verticalAlign: 'bottom' }}
        series={data.series.map((name, index) => ({
          name,
          color: colors[index % colors.length] ?? 'gray.6',
        }))}
        xAxisProps={{ tickFormatter: (day: string) => day.slice(5) }}
        yAxisProps={{ allowDecimals: false }}
      />
    </figure>
  )
}
