import Text

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
        let second = clamped % 86_400
        let day = CivilDate(daysSince1970: clamped / 86_400)
        date = UInt16((day.year - 1980) << 9 | day.month << 5 | day.day)
        time = UInt16((second / 3600) << 11 | (second / 60 % 60) << 5 | (second % 60) / 2)
    }
}
