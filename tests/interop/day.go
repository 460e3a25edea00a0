package main

import (
	"fmt"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// How a task ends.
type end int

const (
	success end = iota
	failure
	noEnd // It has no end: the task was cancelled, or another call was the answer.
)

// expected is the SDK's result for a task, independent of the tenant.
type expected struct {
	end       end
	response  proto.Message
	retryable bool
	beats     bool
	uploads   int
}

// step is one task of the day.
type step struct {
	name     string
	task     func(*office) *v1.Task
	want     expected
	cancelAt int
	waits    bool
	learns   func(*office, *anypb.Any) error
}

// judge compares an end with the one that the SDK would send.
func (e expected) judge(request *v1.BatonServiceFinishTaskRequest) (problems []string) {
	object := func(format string, words ...any) { problems = append(problems, fmt.Sprintf(format, words...)) }
	switch {
	case e.end == noEnd:
		object("it is ended, which is not expected")
	case (e.end == success) != (request.GetSuccess() != nil):
		object("it ends as %v", request)
	case e.end == success:
		if request.GetStatus() != nil {
			object("a success has the status %v", request.GetStatus())
		}
		response := request.GetSuccess().GetResponse()
		if e.response == nil && response != nil || e.response != nil && !response.MessageIs(e.response) {
			object("the response is %s", response.GetTypeUrl())
		}
	default:
		if code := request.GetStatus().GetCode(); code <= 0 || code > 16 || request.GetStatus().GetMessage() == "" {
			object("a failure has the status %v", request.GetStatus())
		}
		if request.GetError().GetNonRetryable() == e.retryable || request.GetError().GetResponse() != nil {
			object("the failure is %v", request.GetError())
		}
	}
	return problems
}

func day() []*step {
	var all []*step
	for _, part := range [][]*step{syncs1(), access(), accounts(), actions(), events(), unsupported(), ends()} {
		all = append(all, part...)
	}
	return all
}

// is makes a task that does not depend on what was before.
func is(task v1.Task_builder) func(*office) *v1.Task {
	return func(*office) *v1.Task { return task.Build() }
}

func syncs1() []*step {
	sync := func(name string, task *v1.Task_SyncFullTask) *step {
		return &step{name: name, task: is(v1.Task_builder{SyncFull: task}), want: expected{beats: true, uploads: 1}}
	}
	robots := sync("sync of a type that is not there", &v1.Task_SyncFullTask{SyncResourceTypeIds: []string{"robot"}})
	// The SDK would have it tried again; what no second try can mend is for good with us.
	robots.want = expected{end: failure, beats: true}
	debug := sync("sync with a log", &v1.Task_SyncFullTask{})
	debug.task = is(v1.Task_builder{SyncFull: &v1.Task_SyncFullTask{}, Debug: true})
	// The file, and then the lines of the log.
	debug.want.uploads = 2
	return []*step{
		sync("sync", &v1.Task_SyncFullTask{}),
		sync("sync without expansion", &v1.Task_SyncFullTask{SkipExpandGrants: true, StorageEngine: "sqlite"}),
		sync("sync for the new engine", &v1.Task_SyncFullTask{StorageEngine: "pebble"}),
		sync("sync of resources", &v1.Task_SyncFullTask{SkipEntitlementsAndGrants: true}),
		sync("sync without grants", &v1.Task_SyncFullTask{SkipGrants: true}),
		sync("sync of two types", &v1.Task_SyncFullTask{SyncResourceTypeIds: []string{"user", "role"}}),
		sync("sync of two resources", &v1.Task_SyncFullTask{TargetedSyncResources: []*v2.Resource{
			{Id: &v2.ResourceId{ResourceType: "role", Resource: "3"}}, {Id: &v2.ResourceId{ResourceType: "user", Resource: "16"}},
		}}),
		robots,
		debug,
	}
}

// resource is a complete row of the first sync; of others only the id is known.
func (o *office) resource(kind, id string) *v2.Resource {
	want := &v2.ResourceId{ResourceType: kind, Resource: id}
	for _, row := range o.delivered.resources {
		if proto.Equal(row.GetId(), want) {
			return row
		}
	}
	return &v2.Resource{Id: want}
}

func (o *office) entitlement(id string) *v2.Entitlement {
	for _, row := range o.delivered.entitlements {
		if row.GetId() == id {
			return row
		}
	}
	return nil
}

func access() []*step {
	grant := func(what, who string) func(*office) *v1.Task {
		return func(o *office) *v1.Task {
			return v1.Task_builder{Grant: &v1.Task_GrantTask{
				Entitlement: o.entitlement(what), Principal: o.resource("user", who), Duration: durationpb.New(time.Hour),
				Annotations: pack(&v2.GrantMetadata{Metadata: fields(map[string]any{"ticket": "T-1"})}),
			}}.Build()
		}
	}
	revoke := func(what, who string) func(*office) *v1.Task {
		return func(o *office) *v1.Task {
			return v1.Task_builder{Revoke: &v1.Task_RevokeTask{Grant: &v2.Grant{
				Id: what + ":user:" + who, Entitlement: o.entitlement(what), Principal: o.resource("user", who),
			}}}.Build()
		}
	}
	granted := expected{response: &v2.GrantManagerServiceGrantResponse{}}
	revoked := expected{response: &v2.GrantManagerServiceRevokeResponse{}}
	failed := expected{end: failure}
	return []*step{
		{name: "grant", task: grant("role:3:assigned", "16"), want: granted},
		{name: "grant again", task: grant("role:3:assigned", "16"), want: granted},
		{name: "grant to the other kind", task: grant("role:3:assigned", "901"), want: failed},
		{name: "grant what cannot be", task: grant("organization:2:member", "901"), want: failed},
		{name: "grant to nobody", task: grant("role:3:assigned", "77777"), want: failed},
		{name: "grant of nothing", task: is(v1.Task_builder{Grant: &v1.Task_GrantTask{}}), want: failed},
		{name: "revoke", task: revoke("role:3:assigned", "16"), want: revoked},
		{name: "revoke again", task: revoke("role:3:assigned", "16"), want: revoked},
		{name: "revoke of nothing", task: is(v1.Task_builder{Revoke: &v1.Task_RevokeTask{}}), want: failed},
	}
}

func accounts() []*step {
	create := func(email string) func(*office) *v1.Task {
		return is(v1.Task_builder{CreateAccount: &v1.Task_CreateAccountTask{
			AccountInfo: &v2.AccountInfo{
				Emails: []*v2.AccountInfo_Email{{Address: email, IsPrimary: true}}, Login: email,
				Profile: fields(map[string]any{"user_type": "TECHNICIAN", "first_name": "Nia", "last_name": "Okoro", "roles": "role:4"}),
			},
			CredentialOptions: v2.CredentialOptions_builder{NoPassword: &v2.CredentialOptions_NoPassword{}}.Build(),
			ResourceTypeId:    "user",
		}})
	}
	created := func(o *office) *v1.Task {
		return v1.Task_builder{DeleteResource: &v1.Task_DeleteResourceTask{
			ResourceId: &v2.ResourceId{ResourceType: "user", Resource: o.memory["account"]},
		}}.Build()
	}
	remove := func(kind, id string) func(*office) *v1.Task {
		return is(v1.Task_builder{DeleteResource: &v1.Task_DeleteResourceTask{ResourceId: &v2.ResourceId{ResourceType: kind, Resource: id}}})
	}
	createdAccount := expected{response: &v2.CreateAccountResponse{}}
	deletedAccount := expected{response: &v2.DeleteResourceResponse{}}
	failed := expected{end: failure}
	learn := func(o *office, response *anypb.Any) error {
		var answer v2.CreateAccountResponse
		if err := response.UnmarshalTo(&answer); err != nil {
			return err
		}
		o.memory["account"] = answer.GetSuccess().GetResource().GetId().GetResource()
		if o.memory["account"] == "" {
			return fmt.Errorf("it does not name the created account: %v", &answer)
		}
		return nil
	}
	return []*step{
		{name: "create an account", task: create("nia@example.com"), want: createdAccount, learns: learn},
		{name: "create it again", task: create("nia@example.com"), want: createdAccount},
		{name: "create one whose address is taken", task: create("already.taken@example.com"), want: failed},
		{name: "create nobody", task: is(v1.Task_builder{CreateAccount: &v1.Task_CreateAccountTask{}}), want: failed},
		{name: "delete it", task: created, want: deletedAccount},
		{name: "delete it again", task: created, want: deletedAccount},
		{name: "delete an administrator", task: remove("user", "2"), want: failed},
		{name: "delete a role", task: remove("role", "3"), want: failed},
		{name: "delete nothing", task: is(v1.Task_builder{DeleteResource: &v1.Task_DeleteResourceTask{}}), want: failed},
		{name: "create a resource", task: is(v1.Task_builder{CreateResource: &v1.Task_CreateResourceTask{
			Resource: &v2.Resource{Id: &v2.ResourceId{ResourceType: "role", Resource: "9"}, DisplayName: "New"},
		}}), want: failed},
		{name: "rotate a credential", task: is(v1.Task_builder{RotateCredentials: &v1.Task_RotateCredentialsTask{
			ResourceId: &v2.ResourceId{ResourceType: "user", Resource: "16"},
		}}), want: failed},
		{name: "issue a credential", task: is(v1.Task_builder{IssueCredential: &v1.Task_IssueCredentialTask{
			IdentityId: &v2.ResourceId{ResourceType: "user", Resource: "16"},
		}}), want: failed},
	}
}

func actions() []*step {
	invoke := func(name string, arguments map[string]any) func(*office) *v1.Task {
		return is(v1.Task_builder{ActionInvoke: &v1.Task_ActionInvokeTask{Name: name, Args: fields(arguments)}})
	}
	schema := func(name string) func(*office) *v1.Task {
		return is(v1.Task_builder{ActionGetSchema: &v1.Task_ActionGetSchemaTask{Name: name}})
	}
	invoked := expected{response: &v2.InvokeActionResponse{}}
	failed := expected{end: failure, retryable: true}
	learn := func(o *office, response *anypb.Any) error {
		var answer v2.InvokeActionResponse
		if err := response.UnmarshalTo(&answer); err != nil {
			return err
		}
		o.memory["action"] = answer.GetId()
		return nil
	}
	return []*step{
		{name: "list actions", task: is(v1.Task_builder{ActionListSchemas: &v1.Task_ActionListSchemasTask{}}),
			want: expected{response: &v2.ListActionSchemasResponse{}}},
		{name: "an action's schema", task: schema("update-account"), want: expected{response: &v2.GetActionSchemaResponse{}}},
		{name: "an unknown action's schema", task: schema("fly"), want: failed},
		{name: "invoke an action", task: invoke("update-account", map[string]any{"user_id": "903", "full_portal_access": true}),
			want: invoked, learns: learn},
		{name: "its status", task: func(o *office) *v1.Task {
			return v1.Task_builder{ActionStatus: &v1.Task_ActionStatusTask{Name: "update-account", Id: o.memory["action"]}}.Build()
		}, want: expected{response: &v2.GetActionStatusResponse{}}},
		{name: "the status of another", task: is(v1.Task_builder{ActionStatus: &v1.Task_ActionStatusTask{Name: "fly", Id: "x"}}), want: failed},
		{name: "invoke with what is not offered", task: invoke("update-account", map[string]any{"user_id": "903", "email": "x@example.com"}),
			want: failed},
		{name: "invoke an unknown action", task: invoke("fly", nil), want: failed},
	}
}

func events() []*step {
	listed := expected{response: &v2.ListEventsResponse{}}
	learn := func(o *office, response *anypb.Any) error {
		var answer v2.ListEventsResponse
		if err := response.UnmarshalTo(&answer); err != nil {
			return err
		}
		o.memory["cursor"] = answer.GetCursor()
		return nil
	}
	return []*step{
		{name: "list event feeds", task: is(v1.Task_builder{ListEventFeeds: &v1.Task_ListEventFeedsTask{}}),
			want: expected{response: &v2.ListEventFeedsResponse{}}, learns: func(o *office, response *anypb.Any) error {
				var answer v2.ListEventFeedsResponse
				err := response.UnmarshalTo(&answer)
				if err == nil && len(answer.GetList()) > 0 {
					o.memory["feed"] = answer.GetList()[0].GetId()
				}
				return err
			}},
		{name: "list events", task: func(o *office) *v1.Task {
			return v1.Task_builder{ListEvents: &v1.Task_ListEventsTask{
				StartAt: &timestamppb.Timestamp{}, PageSize: 3, EventFeedId: o.memory["feed"],
			}}.Build()
		}, want: listed, learns: learn},
		{name: "list the next ones", task: func(o *office) *v1.Task {
			return v1.Task_builder{ListEvents: &v1.Task_ListEventsTask{
				Cursor: o.memory["cursor"], PageSize: 3, EventFeedId: o.memory["feed"],
			}}.Build()
		}, want: listed},
		{name: "list events from a strange cursor", task: is(v1.Task_builder{ListEvents: &v1.Task_ListEventsTask{Cursor: "x"}}),
			want: expected{end: failure, retryable: true}},
	}
}

// unsupported are tasks that the SDK refuses too, that this connector does not support, or that are unknown.
func unsupported() []*step {
	failed := expected{end: failure}
	var steps []*step
	for _, task := range []struct {
		name    string
		builder v1.Task_builder
	}{
		{"the old event feed", v1.Task_builder{EventFeed: &v1.Task_EventFeedTask{}}},
		{"create a ticket", v1.Task_builder{CreateTicketTask: &v1.Task_CreateTicketTask{}}},
		{"list ticket schemas", v1.Task_builder{ListTicketSchemas: &v1.Task_ListTicketSchemasTask{}}},
		{"get a ticket", v1.Task_builder{GetTicket: &v1.Task_GetTicketTask{TicketId: "1"}}},
		{"create tickets", v1.Task_builder{BulkCreateTickets: &v1.Task_BulkCreateTicketsTask{}}},
		{"get tickets", v1.Task_builder{BulkGetTickets: &v1.Task_BulkGetTicketsTask{}}},
		{"compare syncs", v1.Task_builder{CreateSyncDiff: &v1.Task_CreateSyncDiffTask{}}},
		{"compact syncs", v1.Task_builder{CompactSyncs: &v1.Task_CompactSyncs{}}},
		{"nothing", v1.Task_builder{}},
	} {
		steps = append(steps, &step{name: task.name, task: is(task.builder), want: failed})
	}
	return append(steps, &step{name: "something of next year", task: func(*office) *v1.Task {
		task := v1.Task_builder{}.Build()
		unknown := protowire.AppendTag(nil, 200, protowire.BytesType)
		task.ProtoReflect().SetUnknown(protowire.AppendBytes(unknown, []byte{8, 1}))
		return task
	}, want: failed})
}

func ends() []*step {
	sync := is(v1.Task_builder{SyncFull: &v1.Task_SyncFullTask{}})
	return []*step{
		{name: "hello", task: is(v1.Task_builder{Hello: &v1.Task_HelloTask{}}), want: expected{end: noEnd}},
		{name: "a sync that is taken back", task: sync, cancelAt: 1, want: expected{end: noEnd, beats: true}},
		{name: "a sync that is cancelled", task: sync, cancelAt: 2, waits: true, want: expected{end: failure, retryable: true, beats: true}},
		{name: "a sync after that", task: sync, waits: true, want: expected{beats: true, uploads: 1}},
	}
}
