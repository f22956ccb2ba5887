import Domain
import Store

/// Moves customers through journeys inside one transaction. Doing it twice changes nothing: entries and sends are unique in the store.
struct Walk {
    /// Everybody enters a journey once.
    static let occurrence = "1"

    let transaction: Transaction
    let journeys: [JourneyFolder]
    var loops = LoopGuard()

    /// Lets the event's customer into every journey that begins with it.
    func follow(_ event: Event) throws {
        guard let customer = event.customer, event.data[Event.imported] == nil else { return }
        for journey in journeys where journey.enters == event.kind && journey.entry.takes(event) {
            guard let first = journey.steps.first else { continue }
            let order = event.data[Event.order].flatMap { ID<Order>($0) }
            let occurrence = journey.entry.isForEachOrder ? order.map { "order/\($0)" } ?? Self.occurrence : Self.occurrence
            let enrolment = Enrolment(
                id: transaction.newID(), journey: journey.name, version: journey.version, customer: customer, occurrence: occurrence,
                ticket: event.ticket, step: first.name, enteredAt: event.at, nextAt: event.at + first.after, order: order)
            guard try transaction.enrolments.enter(enrolment) else { continue }
            try explain(.enrolment, enrolment.id.rawValue, "enter", "entered \(journey.name) by \(event.kind.rawValue)" + Self.which(event))
            try append(.journeyEntered, enrolment)
        }
    }

    /// Takes the step that is due and finds the next one.
    func step(_ enrolment: Enrolment) throws {
        var enrolment = enrolment
        guard let journey = journeys.first(where: { $0.name == enrolment.journey }) else {
            try leave(&enrolment, .left, "left \(enrolment.journey): the journey is no longer there")
            return
        }
        // A file that was renamed or removed meanwhile: go on with the one that comes after it.
        let due = enrolment.step.flatMap { journey.step(named: $0) ?? journey.step(after: $0) }
        if let due { try plan(due, of: journey, for: enrolment) }
        guard let due, let next = journey.step(after: due.name) else {
            try leave(&enrolment, .finished, "finished \(journey.name)")
            return
        }
        enrolment.step = next.name
        // Counted from now: after a day's standstill two steps must not arrive together.
        enrolment.nextAt = transaction.now + next.after
        try transaction.enrolments.update(enrolment)
    }

    private func leave(_ enrolment: inout Enrolment, _ state: Enrolment.State, _ reason: String) throws {
        enrolment.state = state
        enrolment.step = nil
        enrolment.nextAt = nil
        try transaction.enrolments.update(enrolment)
        try explain(.enrolment, enrolment.id.rawValue, "leave", reason)
        try append(.journeyLeft, enrolment)
    }

    private func plan(_ step: JourneyStep, of journey: JourneyFolder, for enrolment: Enrolment) throws {
        guard let customer = try transaction.customers.get(enrolment.customer) else { return }
        let ticket = try enrolment.ticket.flatMap { try transaction.tickets.get($0) }
        let (text, locale) = step.text(for: customer.language, default: journey.locale)
        var send = Send(
            id: transaction.newID(), key: "\(journey.name)/\(step.name)/\(customer.id)/\(enrolment.occurrence)", kind: .journey,
            purpose: journey.purpose, recipient: customer.email ?? "", dueAt: transaction.now, createdAt: transaction.now)
        send.customer = customer.id
        send.ticket = journey.answersJoinTicket ? enrolment.ticket : nil
        send.enrolment = enrolment.id
        send.sender = journey.sender
        send.journey = journey.name
        send.step = step.name
        send.version = journey.version
        send.subject = text.subject
        send.text = text.body
        send.locale = locale.hasPrefix("zh") ? "zh" : "en"
        send.topic = journey.topic
        send.vars = Self.vars(customer, ticket: ticket, locale: locale)
        if let order = try enrolment.order.flatMap({ try transaction.orders.get($0) }) {
            send.vars["order"] = order.number
            send.vars["order_total"] = order.money(order.total).written(locale: locale)
        }
        guard try transaction.sends.plan(send) else { return }
        if let refusal = try transaction.loops.refusal(of: send, by: loops, isLeaving: false) {
            try transaction.loops.apply(refusal, send, by: loops)
            if refusal.mayGoLater {
                try transaction.sends.hold(send.id, reason: refusal.reason)
            } else {
                try transaction.sends.skip(send.id, reason: refusal.reason)
            }
        } else if let refusal = try refusal(send, customer: customer, journey: journey) {
            try transaction.sends.skip(send.id, reason: refusal)
        } else {
            try explain(.send, send.id.rawValue, "send", "planned by \(journey.name)/\(step.name) for \(send.recipient)")
        }
    }

    /// Why nothing is sent; nil when it may be. Asked again at delivery, because consent may end in between.
    private func refusal(_ send: Send, customer: Customer, journey: JourneyFolder) throws -> String? {
        guard !send.recipient.isEmpty else { return "no address" }
        if let why = try transaction.subscriptions.suppression(address: send.recipient, purpose: send.purpose) {
            return "\(send.recipient) is suppressed: \(why)"
        }
        if journey.purpose == .marketing, try !transaction.subscriptions.isSubscribed(customer.id, topic: journey.topic ?? "") {
            return journey.topic.map { "the customer unsubscribed from \($0)" } ?? "the customer unsubscribed"
        }
        return nil
    }

    private static func which(_ event: Event) -> String { event.data["number"].map { " (order \($0))" } ?? "" }

    static func vars(_ customer: Customer, ticket: Ticket?, locale: String) -> [String: String] {
        var vars = [
            "first_name": Greeting.firstName(of: customer.name, locale: locale), "name": Greeting.name(customer.name, locale: locale),
            "email": customer.email ?? "",
        ]
        if let ticket { vars["ticket"] = "#\(ticket.number)" }
        return vars
    }

    private func explain(_ about: Reason.About, _ subject: Int64, _ decision: String, _ text: String) throws {
        try transaction.reasons.add(Reason(at: transaction.now, about: about, subject: subject, decision: decision, text: text))
    }

    private func append(_ kind: Event.Kind, _ enrolment: Enrolment) throws {
        try transaction.events.append(
            Event(
                at: transaction.now, kind: kind, customer: enrolment.customer, ticket: enrolment.ticket,
                data: ["journey": enrolment.journey, "state": enrolment.state.rawValue]))
    }
}

extension JourneyFolder.Entry {
    /// Whether an event of the right kind lets in: made known by whom, and which order.
    func takes(_ event: Event) -> Bool {
        if order == .first, event.data[Event.nth] != "1" { return false }
        guard event.kind == .customerCreated else { return true }
        let isShop = event.data[Event.by] == "shop"
        return by == .any || isShop == (by == .shop)
    }
}
