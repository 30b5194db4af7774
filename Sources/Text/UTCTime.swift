/// A moment in UTC as people and programs read it, without a calendar library.
package struct UTCTime: Hashable, Sendable {
    /// Seconds since 1970, without leap seconds.
    package let seconds: Int64

    package init(seconds: Int64) { self.seconds = seconds }

    /// Reads ``plain``, with anything after it ignored.
    package init?(plain text: String) {
        let fields = text.utf8.prefix(19).split { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            .map { Int64(String(decoding: Array($0), as: UTF8.self)) ?? 0 }
        guard fields.count == 6, (1...12).contains(fields[1]), (1...31).contains(fields[2]), fields[3] < 24,
            fields[4] < 60, fields[5] < 61
        else { return nil }
        let date = CivilDate(year: fields[0], month: fields[1], day: fields[2])
        seconds = date.daysSince1970 * 86_400 + fields[3] * 3600 + fields[4] * 60 + fields[5]
    }

    /// "2026-08-17T10:15:00Z" (ISO 8601).
    package var iso8601: String { "\(date)T\(time)Z" }

    /// "2026-08-17 10:15:00", the form of fake-hwclock(8).
    package var plain: String { "\(date) \(time)" }

    private var date: String {
        let date = CivilDate(daysSince1970: days)
        return "\(Self.padded(date.year, 4))-\(Self.padded(date.month, 2))-\(Self.padded(date.day, 2))"
    }

    private var time: String {
        let remainder = seconds % 86_400
        let second = remainder < 0 ? remainder + 86_400 : remainder
        return [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }.joined(separator: ":")
    }

    /// Rounded down.
    private var days: Int64 { seconds / 86_400 - (seconds % 86_400 < 0 ? 1 : 0) }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
