import Diagnostics
import Recipes
import Systems

/// Time zone, locale and keyboard against what the image has; if that cannot be read, against piflash's own lists.
enum LocaleChecks {
    static func check(_ node: Node, root: RootSnapshot?, report: inout DiagnosticReport) {
        if let zone = node.locale.timezone {
            compare(zone, "locale.timezone", "time zone", root?.knownTimeZones, .timeZones, report: &report)
        }
        if let lang = node.locale.lang, !LocaleNames.builtIn.contains(lang.value) {
            compare(lang, "locale.lang", "locale", root?.locales, .locales, report: &report)
            if let root, root.listsAllPackages, root.packages["locales"] == nil, root.packages["locales-all"] == nil,
                !node.firstBoot.packages.contains(where: { $0.value == "locales" })
            {
                report.warning(
                    at: lang.location,
                    "locale.lang: the image has no locale-gen, so the locale stays unmade: add locales to "
                        + "first_boot.packages")
            }
        }
        if let keyboard = node.locale.keyboard {
            compare(keyboard, "locale.keyboard", "keyboard layout", root?.keyboards, .keyboards, report: &report)
        }
    }

    private enum Registry { case timeZones, locales, keyboards }

    private static func compare(
        _ value: Located<String>, _ key: String, _ noun: String, _ image: Set<String>?, _ registry: Registry,
        report: inout DiagnosticReport
    ) {
        let list =
            switch registry {
            case .timeZones: KnownTimeZones.list
            case .locales: KnownLocales.list
            case .keyboards: KnownKeyboards.list
            }
        guard !(image?.contains(value.value) ?? list.contains(value.value)) else { return }
        let names = image ?? Set(list.names)
        let meant =
            switch registry {
            case .timeZones: TimeZoneNames.suggestion(for: value.value, among: names)
            case .locales: LocaleNames.suggestion(for: value.value, among: names)
            case .keyboards: KeyboardName.suggestion(for: value.value, among: names)
            }
        let help = meant.map { " (did you mean \($0)?)" } ?? ""
        report.error(
            at: value.location,
            image == nil
                ? "\(key): \"\(value.value)\" is not a valid \(noun)\(help)"
                : "\(key): the image does not have the \(noun) \"\(value.value)\"\(help)")
    }
}
