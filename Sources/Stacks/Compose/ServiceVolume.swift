import Text
import Diagnostics
import Recipes

/// A volume or a bind mount of a service, in the short form ("source:target:mode") or the long one.
struct ServiceVolume {
    let isBind: Bool
    /// Nil for an anonymous volume and a tmpfs.
    let source: Located<String>?

    /// Nil for what is neither.
    init?(_ value: ComposeValue) {
        if let text = value.text {
            let parts = text.split(at: ":", omittingEmptySubsequences: false)
            guard let first = parts.first, !first.isEmpty else { return nil }
            // Without a colon it is the path of an anonymous volume.
            source = parts.count > 1 ? Located(String(first), at: value.location) : nil
            isBind = parts.count > 1 && "./~".contains(first.first ?? " ")
            return
        }
        guard let kind = value["type"]?.text, ["bind", "volume", "cluster"].contains(kind) else { return nil }
        isBind = kind == "bind"
        source = value["source"].flatMap { source in source.text.map { Located($0, at: source.location) } }
    }
}
