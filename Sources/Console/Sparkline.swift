import Domain

/// The customer's mood over time as a small drawing. Colours come from classes: our pages allow no inline styles.
enum Sparkline {
    static let width = 260.0
    static let height = 56.0

    /// - Parameter label: what a screen reader says.
    static func svg(_ points: [Conversation.MoodPoint], label: String) -> SafeHTML {
        guard let first = points.first, let last = points.last else { return SafeHTML("") }
        let span = max(1, Double((last.at - first.at).microseconds))
        let places = points.map { point -> (x: Double, y: Double) in
            let x = points.count == 1 ? width - 5 : 4 + (width - 9) * Double((point.at - first.at).microseconds) / span
            return (x, y(point.score))
        }
        let line = places.map { "\(number($0.x)),\(number($0.y))" }.joined(separator: " ")
        let end = places[places.count - 1]
        let tone = Mood.tone(last.score)
        return SafeHTML(
            """
            <svg class="spark \(tone)" viewBox="0 0 \(Int(width)) \(Int(height))" role="img" aria-label="\(SafeHTML.escape(label))">\
            <line x1="0" y1="28" x2="\(Int(width))" y2="28"/><polyline points="\(line)"/>\
            <circle cx="\(number(end.x))" cy="\(number(end.y))" r="3.5"/></svg>
            """)
    }

    private static func y(_ score: Double) -> Double { 28 - min(1, max(-1, score)) * 23 }

    /// One digit after the point is finer than a pixel.
    static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        let sign = tenths < 0 ? "-" : ""
        return "\(sign)\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }
}

extension Mood {
    /// The colour of a score: `bad`, `warn`, `good`, or `calm` between.
    static func tone(_ score: Double?) -> String {
        switch score {
        case .some(..<(-0.3)): "bad"
        case .some(..<(-0.1)): "warn"
        case .some(0.3...): "good"
        default: "calm"
        }
    }

    /// `−0.8`, `+0.5`: with a real minus sign.
    static func written(_ score: Double) -> String {
        let tenths = Int((score * 10).rounded())
        return "\(tenths < 0 ? "−" : tenths > 0 ? "+" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }
}
