import Diagnostics

extension RecipeDecoder {
    mutating func locale(_ value: RecipeValue) -> Node.Locale {
        guard let fields = fields(value, "locale", .locale) else { return Node.Locale() }
        let lang = text(fields, "lang")
        if let lang, let set = LocaleNames.characterSet(of: lang.value), set != "UTF-8" {
            let usual = "\(lang.value.prefix { $0 != "." && $0 != "@" }).UTF-8"
            let help = KnownLocales.list.contains(usual) ? "; \(usual) is the usual one" : ""
            report.warning(
                at: lang.location, "locale.lang: \"\(lang.value)\" has the character set \(set)\(help)")
        }
        let zone = text(fields, "timezone")
        if let zone, !KnownTimeZones.list.contains(zone.value) {
            report.warning(
                at: zone.location, "locale.timezone: piflash does not know the time zone \"\(zone.value)\"")
        }
        if let lang, !KnownLocales.list.contains(lang.value), !LocaleNames.builtIn.contains(lang.value) {
            report.warning(at: lang.location, "locale.lang: piflash does not know the locale \"\(lang.value)\"")
        }
        return Node.Locale(timezone: zone, lang: lang, keyboard: text(fields, "keyboard"))
    }
}
