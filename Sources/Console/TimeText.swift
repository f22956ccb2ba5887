import Domain

/// Times as people read them. Local time exists only in the browser: each `<time>` carries the instant.
struct TimeText {
    let words: Vocabulary
    let now: Timestamp

    /// `now`, `4 min`, `2 h`, `3 d`, then the day.
    func relative(_ at: Timestamp) -> String {
        let seconds = now.seconds - at.seconds
        switch seconds {
        case ..<(-60): return day(at)
        case ..<45: return words["time_now"]
        case ..<3600: return words.fill("time_minutes", ["n": "\(max(1, (seconds + 30) / 60))"])
        case ..<86_400: return words.fill("time_hours", ["n": "\(seconds / 3600)"])
        case ..<(7 * 86_400): return words.fill("time_days", ["n": "\(seconds / 86_400)"])
        default: return day(at)
        }
    }

    /// `in 4 min`: for what is still to come.
    func ahead(_ at: Timestamp) -> String {
        let seconds = at.seconds - now.seconds
        switch seconds {
        case ..<1: return words["time_soon"]
        case ..<90: return words.fill("time_in_seconds", ["n": "\(seconds)"])
        case ..<5400: return words.fill("time_in_minutes", ["n": "\(seconds / 60)"])
        default: return words.fill("time_in_hours", ["n": "\(seconds / 3600)"])
        }
    }

    /// `2 Nov`, `11月2日`; with the year when it is another one.
    func day(_ at: Timestamp) -> String {
        let date = Self.date(at)
        let isThisYear = date.year == Self.date(now).year
        return words.fill(
            isThisYear ? "date_day" : "date_day_year",
            ["d": "\(date.day)", "m": "\(date.month)", "month": words["month_\(date.month)"], "y": "\(date.year)"])
    }

    /// What a template needs for a `<time>`.
    func stamp(_ at: Timestamp) -> Model { ["iso": at.description, "text": relative(at), "full": full(at)] }
    func model(_ at: Timestamp?) -> Model? { at.map(stamp) }

    /// `2026-11-22 09:30 UTC`.
    func full(_ at: Timestamp) -> String {
        let iso = at.description
        return "\(iso.prefix(10)) \(iso.dropFirst(11).prefix(5)) UTC"
    }

    private static func date(_ at: Timestamp) -> CivilDate {
        CivilDate(daysSince1970: Int((Double(at.seconds) / 86_400).rounded(.down)))
    }
}
