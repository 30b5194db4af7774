import Text
import Diagnostics

/// The names of time zones (tzdata).
package enum TimeZoneNames {
    /// The zone that `name` is another name of: "America/Los_Angeles" for "US/Pacific".
    package static func target(of name: String) -> String? {
        KnownTimeZones.list[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The zone of `names` that somebody means who writes `name`, which is not one of them; nil if none is near.
    package static func suggestion(for name: String, among names: some Collection<String>) -> String? {
        if let target = target(of: name), names.contains(target) { return target }
        let folded = fold(name)
        let exact = names.filter { fold($0) == folded }.min()
        if let exact { return exact }
        // "Berlin" alone, or in another continent.
        let city = folded.split(at: "/").last.map(String.init) ?? folded
        let cities = names.filter { $0.contains(scalar: "/") && fold($0).ends(with: "/" + city) }
        if let found = cities.min(by: { (target(of: $0) == nil ? 0 : 1, $0) < (target(of: $1) == nil ? 0 : 1, $1) }) {
            return found
        }
        return nearest(to: name, among: names)
    }

    private static func fold(_ name: String) -> String {
        name.lowercased().replacing(scalar: " ", with: "_").replacing(scalar: "-", with: "_")
    }
}
