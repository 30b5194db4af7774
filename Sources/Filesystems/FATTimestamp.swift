/// A point in time as FAT keeps it: two-second steps from 1980 to 2107, in whatever zone the writer means (here UTC).
///
/// Layout (Microsoft FAT specification 1.03, "Date and time formats"): date = year-1980 << 9 | month << 5 | day;
/// time = hour << 11 | minute << 5 | second / 2.
package struct FATTimestamp: Hashable, Sendable {
    package let date: UInt16
    package let time: UInt16

    /// From seconds since 1970-01-01 00:00 UTC; a time that FAT cannot hold becomes the nearest that it can.
    package init(secondsSince1970 seconds: Int64) {
        let first: Int64 = 315_532_800  // 1980-01-01
        let last: Int64 = 4_354_819_198  // 2107-12-31 23:59:58
        let clamped = min(max(seconds, first), last)
        let day = clamped / 86400
        let second = clamped % 86400
        // Days to civil date: eras of 400 years that start on 1 March, so that leap days come last.
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        date = UInt16((year - 1980) << 9 | month << 5 | dayOfMonth)
        time = UInt16((second / 3600) << 11 | (second / 60 % 60) << 5 | (second % 60) / 2)
    }
}
