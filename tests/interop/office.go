package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

const hostID = "interop-host"

// office is the BatonService of a ConductorOne with one connector, which does one task after the other.
type office struct {
	v1.UnimplementedBatonServiceServer
	door    *door
	folder  string
	report  chan line
	proceed chan struct{}

	lock     sync.Mutex
	opened   bool
	hellos   int
	day      []*step
	next     int
	given    bool
	beats    int
	uploads  []line
	problems []string
	// The rows of the first sync, which tasks refer to, as ConductorOne's do.
	delivered *content
	// Ids from answers that later tasks need.
	memory map[string]string
}

func newOffice(door *door, folder string) *office {
	return &office{
		door: door, folder: folder, report: make(chan line), proceed: make(chan struct{}, 1), day: day(), memory: map[string]string{},
	}
}

func (o *office) open() {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.opened = true
}

func (o *office) wrong() []string {
	o.lock.Lock()
	defer o.lock.Unlock()
	return slices.Clone(o.problems)
}

// object records problems and prints them at once, in case the day does not end.
func (o *office) object(problems ...string) {
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, "office:", problem)
	}
	o.problems = append(o.problems, problems...)
}

func (o *office) check(ctx context.Context, method string, message any) error {
	headers, _ := metadata.FromIncomingContext(ctx)
	if err := o.door.admit(headers.Get("authorization")); err != nil {
		o.lock.Lock()
		o.object(method + ": " + err.Error())
		o.lock.Unlock()
		return status.Error(codes.Unauthenticated, err.Error())
	}
	if typed, is := message.(proto.Message); is {
		if problems := judge(typed); len(problems) > 0 {
			o.lock.Lock()
			for _, problem := range problems {
				o.object(method + ": " + problem)
			}
			o.lock.Unlock()
			return status.Error(codes.InvalidArgument, problems[0])
		}
	}
	return nil
}

func (o *office) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if err := o.check(ctx, info.FullMethod, request); err != nil {
		return nil, err
	}
	return handle(ctx, request)
}

func (o *office) stream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if err := o.check(stream.Context(), info.FullMethod, nil); err != nil {
		return err
	}
	return handle(server, stream)
}

// current is the task that is out, if the request is about it.
func (o *office) current(host, id string) (*step, error) {
	if host != hostID {
		o.object("the host is " + host)
	}
	if !o.given || id != taskID(o.next) {
		o.object("there is no task " + id)
		return nil, status.Error(codes.NotFound, "there is no such task")
	}
	return o.day[o.next], nil
}

// done ends the current task and sends its report.
func (o *office) done(report line) {
	step := o.day[o.next]
	report["task"] = step.name
	if step.want.beats != (o.beats > 0) {
		o.object(fmt.Sprintf("%s: %d heartbeats", step.name, o.beats))
	}
	if len(o.uploads) > 0 {
		report["uploads"] = o.uploads
	}
	if step.want.uploads != len(o.uploads) {
		o.object(fmt.Sprintf("%s: %d uploads", step.name, len(o.uploads)))
	}
	o.given, o.beats, o.uploads = false, 0, nil
	o.next++
	o.report <- report
	if o.next == len(o.day) {
		close(o.report)
	}
}

// Hello is the first word of a connector, and the answer to a task of that kind.
func (o *office) Hello(_ context.Context, request *v1.BatonServiceHelloRequest) (*v1.BatonServiceHelloResponse, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	o.hellos++
	info := request.GetOsInfo()
	for field, text := range map[string]string{
		"hostname": info.GetHostname(), "os": info.GetOs(), "platform": info.GetPlatform(), "platform version": info.GetPlatformVersion(),
		"platform family": info.GetPlatformFamily(), "kernel version": info.GetKernelVersion(), "kernel arch": info.GetKernelArch(),
		"virtualization": info.GetVirtualizationSystem(),
	} {
		if text == "" {
			o.object("hello: the " + field + " is blank")
		}
	}
	if request.GetTaskId() == "" {
		if o.hellos != 1 {
			o.object("the first hello came again")
		}
		inJSON, err := canonical(request.GetConnectorMetadata())
		o.report <- line{"task": "first hello", "metadata": inJSON}
		return &v1.BatonServiceHelloResponse{}, err
	}
	if _, err := o.current(request.GetHostId(), request.GetTaskId()); err != nil {
		return nil, err
	}
	o.done(line{"hello": true})
	return &v1.BatonServiceHelloResponse{}, nil
}

// GetTask gives out the next task, once.
func (o *office) GetTask(_ context.Context, request *v1.BatonServiceGetTaskRequest) (*v1.BatonServiceGetTaskResponse, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	answer := &v1.BatonServiceGetTaskResponse{
		Task:     v1.Task_builder{None: &v1.Task_NoneTask{}}.Build(),
		NextPoll: durationpb.New(20 * time.Millisecond), NextHeartbeat: durationpb.New(time.Second),
	}
	if !o.opened || o.given || o.next == len(o.day) {
		return answer, nil
	}
	if o.hellos == 0 {
		o.object("a task is requested before the hello")
	}
	step := o.day[o.next]
	if step.waits {
		o.report <- line{"task": "ready"}
		<-o.proceed
	}
	answer.Task = step.task(o)
	answer.Task.Id = taskID(o.next)
	answer.Task.Status = v1.Task_STATUS_PENDING
	o.given = true
	return answer, nil
}

// GetTasks is not called by a connector unless configured.
func (o *office) GetTasks(context.Context, *v1.BatonServiceGetTasksRequest) (*v1.BatonServiceGetTasksResponse, error) {
	return nil, status.Error(codes.Unimplemented, "one task at a time")
}

// Heartbeat answers that the task is cancelled where that is what the task is for.
func (o *office) Heartbeat(_ context.Context, request *v1.BatonServiceHeartbeatRequest) (*v1.BatonServiceHeartbeatResponse, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	step, err := o.current(request.GetHostId(), request.GetTaskId())
	if err != nil {
		return nil, err
	}
	o.beats++
	cancelled := step.cancelAt != 0 && o.beats >= step.cancelAt
	if cancelled && step.want.end == noEnd {
		o.done(line{"abandoned": true})
	}
	return &v1.BatonServiceHeartbeatResponse{NextHeartbeat: durationpb.New(time.Second), Cancelled: cancelled}, nil
}

// FinishTask holds the end of a task against what the SDK would send.
func (o *office) FinishTask(_ context.Context, request *v1.BatonServiceFinishTaskRequest) (*v1.BatonServiceFinishTaskResponse, error) {
	o.lock.Lock()
	defer o.lock.Unlock()
	step, err := o.current(request.GetHostId(), request.GetTaskId())
	if err != nil {
		return nil, err
	}
	for _, problem := range step.want.judge(request) {
		o.object(step.name + ": " + problem)
	}
	if step.learns != nil {
		if err := step.learns(o, request.GetSuccess().GetResponse()); err != nil {
			o.object(step.name + ": " + err.Error())
		}
	}
	request.HostId, request.TaskId = "", ""
	inJSON, err := canonical(request)
	o.done(line{"finish": inJSON})
	return &v1.BatonServiceFinishTaskResponse{}, err
}

// UploadAsset receives a file: metadata, pieces and checksum, in this order and once.
func (o *office) UploadAsset(stream grpc.ClientStreamingServer[v1.BatonServiceUploadAssetRequest, v1.BatonServiceUploadAssetResponse]) error {
	o.lock.Lock()
	path := filepath.Join(o.folder, fmt.Sprintf("upload-%d.c1z", o.next))
	isLog := o.next < len(o.day) && o.day[o.next].want.uploads == 2 && len(o.uploads) == 1
	if isLog {
		path = filepath.Join(o.folder, fmt.Sprintf("upload-%d.log", o.next))
	}
	o.lock.Unlock()
	received, all, err := receive(stream, path, isLog)
	o.lock.Lock()
	defer o.lock.Unlock()
	if err != nil {
		o.object("upload: " + err.Error())
		return status.Error(codes.InvalidArgument, err.Error())
	}
	if _, err := o.current(received.host, received.task); err != nil {
		return err
	}
	if isLog {
		o.uploads = append(o.uploads, line{"type": "log", "file": filepath.Base(path)})
		return stream.SendAndClose(&v1.BatonServiceUploadAssetResponse{})
	}
	for _, problem := range all.judge() {
		o.object(o.day[o.next].name + ": upload: " + problem)
	}
	if o.delivered == nil {
		o.delivered = all
	}
	o.uploads = append(o.uploads, line{
		"type": received.kind, "resource_types": len(all.types), "resources": len(all.resources),
		"entitlements": len(all.entitlements), "grants": len(all.grants), "file": filepath.Base(path),
	})
	return stream.SendAndClose(&v1.BatonServiceUploadAssetResponse{})
}

type delivery struct{ host, task, kind string }

func receive(
	stream grpc.ClientStreamingServer[v1.BatonServiceUploadAssetRequest, v1.BatonServiceUploadAssetResponse], path string, isLog bool,
) (received delivery, all *content, err error) {
	file, err := os.Create(path)
	if err != nil {
		return received, nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	sum, stage, size := sha256.New(), 0, 0
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return received, nil, err
		}
		if problems := judge(message); len(problems) > 0 {
			return received, nil, errors.New(problems[0])
		}
		switch {
		case stage == 0 && message.GetMetadata() != nil:
			received.host, received.task = message.GetMetadata().GetHostId(), message.GetMetadata().GetTaskId()
			stage = 1
		case stage == 1 && message.GetData() != nil:
			piece := message.GetData().GetData()
			size += len(piece)
			sum.Write(piece)
			if _, err := file.Write(piece); err != nil {
				return received, nil, err
			}
		case stage == 1 && message.GetEof() != nil:
			if !slices.Equal(sum.Sum(nil), message.GetEof().GetSha256Checksum()) {
				return received, nil, errors.New("the checksum is wrong")
			}
			stage = 2
		default:
			return received, nil, fmt.Errorf("after step %d comes %v", stage, message)
		}
	}
	if stage != 2 || size == 0 {
		return received, nil, errors.New("the stream ends early")
	}
	if isLog {
		lines, err := os.ReadFile(path)
		if err == nil && !strings.HasPrefix(string(lines), "{") {
			err = errors.New("the log has no lines of JSON")
		}
		return received, nil, err
	}
	received.kind, all, err = open(stream.Context(), path)
	return received, all, err
}

// open reads what was uploaded: one finished sync.
func open(ctx context.Context, path string) (kind string, all *content, err error) {
	err = withFile(ctx, path, func(file c1zstore.Store) error {
		run, err := file.SyncMeta().LatestFinishedSyncOfAnyType(ctx)
		if err != nil {
			return err
		}
		kind = string(run.Type)
		all, err = load(ctx, file, run.ID)
		return err
	}, dotc1z.WithReadOnly(true))
	return kind, all, err
}

func taskID(number int) string {
	return fmt.Sprintf("2vU7QmBvvjK3kdYyV%010d", number)
}
